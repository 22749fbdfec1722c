import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Exchange } from '../../../src/http/exchange.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { Lingering } from '../../../src/lib/lingering.ts'
import { placeBefore } from '../../../src/wire/front-end.ts'
import { until } from '../../helpers/until.ts'

const REQUEST = [
  'GET /customers/1 HTTP/1.1',
  'Host: a',
  'authorization: Bearer token-one.aaaa',
  'x-tenant-id: 7',
  'x-api-version: 2023/04/19',
  '\r\n',
].join('\r\n')

/** As Node's own server has it, much shorter. */
const KEEP_ALIVE_MS = 160

interface Served {
  readonly client: Socket
  /** The server's end. */
  readonly socket: Socket
  /** Requests that wait for their answer. */
  readonly waiting: Exchange[]
  /** All that came back. */
  text(): string
}

const ANSWER = { status: 304, reason: 'Not Modified', head: [], body: null }

/** The front end before a server that gets nothing, and a pipeline that only takes note. */
async function serve(t: Test): Promise<Served> {
  const server: Server = createServer()
  server.keepAliveTimeout = KEEP_ALIVE_MS
  const waiting: Exchange[] = []
  placeBefore(server, {
    pipeline: { proceed: (exchange: Exchange) => void waiting.push(exchange) },
    clock: systemClock,
    newRequestId: () => '0198c0de-0000-7000-8000-000000000001',
    passOn: { withoutContent: () => t.fail('nothing is passed on') },
    lingering: new Lingering(),
    isDraining: () => false,
    reporter: { handedOver: () => {}, faulted: () => t.fail() },
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  let text = ''
  client.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const [socket] = await accepted
  t.teardown(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { client, socket, waiting, text: () => text }
}

async function answer({ waiting }: Served): Promise<void> {
  await until(() => waiting.length > 0)
  waiting.shift()?.answer(ANSWER)
}

t.test('a connection on which nothing is asked any more is ended in time', async (t) => {
  const served = await serve(t)
  served.client.write(REQUEST)
  await answer(served)
  const from = performance.now()
  await once(served.client, 'end')
  t.ok(
    performance.now() - from >= 0.9 * KEEP_ALIVE_MS,
    'its client was told that it may count on it',
  )
  t.match(served.text(), /^HTTP\/1\.1 304 /)
})

t.test('one that waits for an answer is not ended', async (t) => {
  const served = await serve(t)
  served.client.write(REQUEST)
  await until(() => served.waiting.length === 1)
  const ends = once(served.client, 'end')
  const other = await serve(t)
  // It came later, so by then the one that waits would have been ended as well.
  await once(other.client, 'end')
  t.equal(served.client.readableEnded, false)
  await answer(served)
  await ends
  t.match(served.text(), /^HTTP\/1\.1 304 /)
})

t.test('a head that came in pieces leaves no deadline behind', async (t) => {
  const served = await serve(t)
  served.client.write(REQUEST.slice(0, 50))
  await until(() => served.socket.timeout !== 0 && served.socket.timeout !== undefined)
  served.client.write(REQUEST.slice(50))
  await answer(served)
  t.equal(served.socket.timeout, 0)
})

t.test('one whose head is on its way is not idle', async (t) => {
  const served = await serve(t)
  served.client.write(REQUEST.slice(0, 50))
  await until(() => served.socket.timeout !== 0 && served.socket.timeout !== undefined)
  const other = await serve(t)
  await once(other.client, 'end')
  // After half a second it is given to Node's server, which has deadlines of its own.
  t.equal(served.client.readableEnded, false)
})

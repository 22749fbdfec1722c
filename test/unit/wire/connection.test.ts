/** What one connection of the wire front end may keep of a client that sends on and on. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Exchange } from '../../../src/http/exchange.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { WireConnection } from '../../../src/wire/connection.ts'
import { Output } from '../../../src/wire/output.ts'
import { Trailing } from '../../../src/wire/text.ts'
import { HEADERS } from '../../helpers/app.ts'
import { until } from '../../helpers/until.ts'

const NEVER_MS = 3_600_000
const HEAD = `Host: x\r\n${Object.entries(HEADERS)
  .map((each) => `${each.join(': ')}\r\n`)
  .join('')}`

function request(path: string, padding = ''): string {
  return `GET ${path} HTTP/1.1\r\n${HEAD}X-Padding: ${padding}\r\n\r\n`
}

/** A connection whose requests are collected, and answered by who asks for it. */
async function connectionOf(t: Test) {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [socket] = await accepted
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  client.on('error', () => {})
  socket.on('error', () => {})
  const asked: Exchange[] = []
  new WireConnection(socket, {
    pipeline: { proceed: (exchange) => void asked.push(exchange) },
    clock: systemClock,
    newRequestId: () => '00000000-0000-4000-8000-000000000000',
    trailing: new Trailing(systemClock, NEVER_MS),
    output: new Output(),
    passOn: { withoutContent: () => {} },
    handOver: () => t.fail('it was all plain'),
    isDraining: () => false,
    lingering: { end: (socket) => void socket.destroy() },
    idle: { next: 0 },
    reporter: { faulted: (error) => t.fail(String(error)) },
  })
  return { socket, client, asked }
}

function answer(exchange: Exchange | undefined, bytes: number): void {
  const head = ['content-length', String(bytes)]
  exchange?.answer({ status: 200, reason: 'OK', head, body: Buffer.alloc(bytes) })
}

t.test(
  'requests that wait behind one that is being answered wait in the kernel past 64 kB',
  async (t) => {
    const { socket, client, asked } = await connectionOf(t)
    client.write(request('/customers/1'))
    await until(() => asked.length === 1)
    const PADDED = 4_000
    const count = 64
    for (let i = 2; i <= count; i++) client.write(request(`/customers/${i}`, 'x'.repeat(PADDED)))
    await until(() => socket.bytesRead > 65_536)
    await until(() => socket.isPaused())
    t.equal(asked.length, 1, 'one at a time')
    client.resume()
    for (let i = 0; i < count; i++) {
      await until(() => asked.length > i)
      answer(asked[i], 10)
    }
    t.strictSame(
      asked.map(({ raw }) => raw.url),
      Array.from({ length: count }, (_, i) => `/customers/${i + 1}`),
      'all are answered, in their order',
    )
    t.notOk(socket.isPaused())
  },
)

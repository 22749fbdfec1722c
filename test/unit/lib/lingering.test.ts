import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Lingering } from '../../../src/lib/lingering.ts'
import { until } from '../../helpers/until.ts'

const LONG = 60_000

interface Pair {
  readonly client: Socket
  /** The server's end. */
  readonly socket: Socket
}

async function connected(t: Test): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true })
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    client.destroy()
    socket.destroy()
  })
  return { client, socket }
}

function drip(t: Test, client: Socket): void {
  const timer = setInterval(() => client.write('x'), 20)
  t.teardown(() => clearInterval(timer))
}

async function expectLast(t: Test, client: Socket): Promise<void> {
  const [chunk] = (await once(client, 'data')) as [Buffer]
  t.equal(chunk.toString(), 'the last')
}

t.test('a connection ends in time, though its client neither ends nor stops', async (t) => {
  const { client, socket } = await connected(t)
  drip(t, client)
  new Lingering({ pauseMs: LONG, totalMs: 500 }).end(socket, 'the last')
  await expectLast(t, client)
  await until(() => socket.closed)
})

t.test('a connection ends in time, though its client does nothing', async (t) => {
  const { client, socket } = await connected(t)
  new Lingering({ pauseMs: 200, totalMs: LONG }).end(socket, 'the last')
  await expectLast(t, client)
  await until(() => socket.closed)
})

t.test('a connection ends with its client, whichever side ends first', async (t) => {
  for (const endsFirst of [true, false]) {
    const { client, socket } = await connected(t)
    const lingering = new Lingering({ pauseMs: LONG, totalMs: LONG })
    if (endsFirst) {
      socket.resume()
      client.end()
      await once(socket, 'end')
    }
    lingering.end(socket, 'the last')
    lingering.end(socket, 'once more')
    await expectLast(t, client)
    if (!endsFirst) client.end('x'.repeat(1_000_000))
    await until(() => socket.closed)
    t.equal(socket.errored, null)
  }
})

t.test('no connection is waited for long while the process ends', async (t) => {
  const lingering = new Lingering({ pauseMs: LONG, totalMs: LONG })
  const [before, after] = [await connected(t), await connected(t)]
  for (const { client } of [before, after]) drip(t, client)
  lingering.end(before.socket, 'the last')
  await expectLast(t, before.client)
  lingering.hurry()
  lingering.end(after.socket, 'the last')
  await until(() => before.socket.closed && after.socket.closed)
})

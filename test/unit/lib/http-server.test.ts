import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import {
  acceptBefore,
  createHttpServer,
  type HttpServerSettings,
} from '../../../src/lib/http-server.ts'

const file = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../../test/helpers/tls/${name}`, import.meta.url)))
const TLS = { cert: file('server.pem'), key: file('server.key') }

function create(tls: typeof TLS | null, handle: HttpServerSettings['handle'] = () => {}): Server {
  return createHttpServer({ options: {}, tls, handle, refuseConnect: (socket) => socket.destroy() })
}

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

for (const tls of [null, TLS]) {
  const kind = tls === null ? 'a plain' : 'a TLS'

  t.test(`${kind} socket hears of its errors when nobody else does`, async (t) => {
    const server = create(tls)
    const accepted = new Promise<Socket>((done) => void acceptBefore(server, done))
    const port = await listen(t, server)
    const client =
      tls === null
        ? connect(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', ca: file('ca.pem'), servername: 'localhost' })
    client.on('error', () => {})
    t.teardown(() => client.destroy())
    const socket = await accepted
    // Node's own, which it may take away at any time.
    for (const listener of socket.listeners('error') as (() => void)[])
      if (listener.name !== 'ignore') socket.off('error', listener)
    socket.destroy(new Error('for this test'))
    await new Promise((done) => socket.once('close', done))
    t.pass('the error was heard')
  })

  t.test(`${kind} server lives when a connection can't be accepted`, async (t) => {
    const server = create(tls)
    await listen(t, server)
    t.ok(server.emit('error', Object.assign(new Error('accept'), { code: 'EMFILE' })))
  })
}

t.test('what is put before Node gives a socket on, and it is answered', async (t) => {
  const server = create(null, (_req, res) => res.end('answered'))
  const giveToNode = acceptBefore(server, (socket) => giveToNode(socket))
  const client = connect(await listen(t, server), '127.0.0.1')
  t.teardown(() => client.destroy())
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [chunk] = (await once(client, 'data')) as [Buffer]
  t.match(chunk.toString(), /answered/)
})

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import {
  acceptBefore,
  createHttpServer,
  type HttpServerSettings,
} from '../../../src/lib/http-server.ts'
import { Lingering } from '../../../src/lib/lingering.ts'
import { until } from '../../helpers/until.ts'

const file = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../../test/helpers/tls/${name}`, import.meta.url)))
const TLS = { cert: file('server.pem'), key: file('server.key') }

/** 5 MB of them. */
const PIPELINED = 5_000

function create(tls: typeof TLS | null, handle: HttpServerSettings['handle'] = () => {}): Server {
  return createHttpServer({
    options: {},
    tls: tls === null ? null : { options: tls, refusePlain: (socket) => socket.destroy() },
    handle,
    continuesItself: false,
    lingering: new Lingering(),
    refuseConnect: (socket) => socket.destroy(),
  })
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

t.test('a client that pipelines without end is read no further than it is answered', async (t) => {
  const owed: ServerResponse[] = []
  let isHeld = true
  const server = create(null, (req, res) => {
    if (req.url === '/other') res.end('other')
    else if (isHeld) owed.push(res)
    else res.end('x')
  })
  const port = await listen(t, server)
  const client = connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  let answers = 0
  client.on('data', (piece: Buffer) => {
    answers += piece.toString('latin1').split('HTTP/1.1 200').length - 1
  })
  const request = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(1_000)}\r\n\r\n`
  client.write(request.repeat(PIPELINED))
  await until(() => owed.length >= 100)
  // Far more turns than it takes to read the rest.
  for (let i = 0; i < 100; i++) await fetch(`http://127.0.0.1:${port}/other`)
  t.ok(owed.length < 200, `${owed.length} of ${PIPELINED} are read`)
  isHeld = false
  for (const res of owed) res.end('x')
  await until(() => answers === PIPELINED)
})

t.test('content that comes behind many pipelined requests is read', async (t) => {
  const owed: ServerResponse[] = []
  const server = create(null, (req, res) => {
    owed.push(res)
    let text = ''
    req.on('data', (piece: Buffer) => {
      text += piece
    })
    req.on('end', () => res.end(text))
  })
  const client = connect(await listen(t, server), '127.0.0.1')
  t.teardown(() => client.destroy())
  let received = ''
  client.on('data', (piece: Buffer) => {
    received += piece
  })
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n'
  client.write(`${post}abcd`.repeat(150) + post)
  await until(() => owed.length >= 151)
  client.write('last')
  await until(() => received.includes('last'))
})

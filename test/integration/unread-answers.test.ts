/**
 * A client that does not read what it has asked for is closed, and holds no connection to the API any longer; one that
 * reads slowly gets all of it. Over real sockets: what the kernel has taken is what is looked at.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { buildTestApp, FAST_PATH, HEADERS } from '../helpers/app.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const TLS = { cert: file('server.pem'), key: file('server.key') }
const TIMEOUT_MS = 500
/** More than the buffers of both kernels take. */
const LONG = 32 * 2 ** 20
const STORED = 900_000

t.setTimeout(600_000)

function ask(line: string): string {
  const headers = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`)
  return `${[`${line} HTTP/1.1`, 'Host: a', ...headers].join('\r\n')}\r\n\r\n`
}

async function start(t: Test, server: object = {}, readerTimeoutMs = TIMEOUT_MS) {
  let open = 0
  const upstream = await startUpstream(t, (received, res) => {
    open++
    res.once('close', () => open--)
    const length = received.url.startsWith('/long') ? LONG : STORED
    const body = Buffer.alloc(length, 'x')
    if (length === STORED) body.write(`{"id": 1, "parent_id": null, "pad": "`)
    if (length === STORED) body.write('"}', STORED - 2)
    const version = { 'x-api-version': HEADERS['x-api-version'] }
    const head = { 'content-type': 'application/json', 'content-length': length, ...version }
    res.writeHead(200, head).end(received.method === 'HEAD' ? null : body)
  })
  let closed = 0
  const app = await buildTestApp(
    t,
    upstream.url,
    { server: { readerTimeoutMs, ...server }, upstream: { tenantPassThrough: 1 } },
    { reporter: { readerClosed: () => closed++ } },
  )
  return { app, upstream, open: () => open, closed: () => closed }
}

function unreadBy(t: Test, url: string, text: string): Socket {
  const { hostname, port, protocol } = new URL(url)
  const options = { port: Number(port), host: hostname, allowHalfOpen: true }
  const socket =
    protocol === 'https:' ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options)
  t.teardown(() => void socket.destroy())
  socket.on('error', () => {})
  socket.pause().write(text)
  return socket
}

for (const [name, tls] of Object.entries({ 'in the clear': {}, 'over TLS': { tls: TLS } })) {
  t.test(`an unread answer that passes through is given up, ${name}`, async (t) => {
    const { app, upstream, open, closed } = await start(t, tls)
    unreadBy(t, app.url, ask('GET /long'))
    await until(() => open() === 1)
    await until(() => closed() === 1 && open() === 0, 'that the connection to the API is free')
    // The only place of its tenant is free as well.
    const other = unreadBy(t, app.url, ask('GET /short')).resume()
    await until(() => upstream.requests.some(({ url }) => url === '/short'))
    other.destroy()
  })
}

t.test('who sends on without reading is closed all the same', async (t) => {
  const { app, open, closed } = await start(t)
  const socket = unreadBy(t, app.url, ask('GET /long'))
  const sending = setInterval(() => socket.write(ask('GET /customers/1')), 50)
  t.teardown(() => clearInterval(sending))
  await until(() => open() === 1)
  await until(() => closed() === 1 && open() === 0)
  t.pass()
})

for (const end of ['keeps its side open', 'has ended its side']) {
  t.test(`unread hits are given up, of a client that ${end}`, async (t) => {
    const { app, closed } = await start(t)
    t.equal((await app.get('/customers/1')).status, 200)
    const socket = unreadBy(t, app.url, ask('GET /customers/1').repeat(60))
    // Node's own server gives up at once whoever ends its side.
    if (end === 'has ended its side' && FAST_PATH) socket.end()
    await until(() => closed() === 1)
    t.match((await app.get('/customers/1')).headers['cache-status'], /; hit;/)
  })
}

t.test('who reads a little at a time gets all of it', async (t) => {
  const { app, closed } = await start(t)
  const socket = unreadBy(t, app.url, ask('GET /long'))
  let read = 0
  const startedAt = performance.now()
  while (read < LONG) {
    const piece: Buffer | null = socket.read()
    read += piece?.length ?? 0
    // Several times the timeout in all.
    await pause(read < LONG / 8 ? 20 : 1)
    if (performance.now() - startedAt > 60_000) t.bailout('too slow')
  }
  t.ok(performance.now() - startedAt > TIMEOUT_MS)
  t.equal(closed(), 0)
})

t.test('who waits for the API is not taken for one that does not read', async (t) => {
  const { app, upstream, closed } = await start(t, {}, 100)
  upstream.hold()
  const reply = app.get('/short')
  await upstream.received(1)
  await pause(500)
  upstream.release()
  t.equal((await reply).status, 200)
  t.equal(closed(), 0)
})

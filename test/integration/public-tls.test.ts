/** TLS on the public listener: both front ends, hits and misses, and what a bad pair of files says. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Agent } from 'undici'
import { buildTestApp, FAST_PATH, HEADERS } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
const TLS = { cert: file('server.pem'), key: file('server.key') }

t.test('customers are read over TLS, hits included', async (t) => {
  const upstream = await startUpstream(t)
  for (const fastPath of [true, FAST_PATH]) {
    const app = await buildTestApp(t, upstream.url, { server: { tls: TLS, fastPath } })
    t.match(app.url, /^https:/)
    const agent = new Agent({
      connections: 1,
      connect: { ca: readFileSync(file('ca.pem')), servername: 'localhost' },
    })
    t.teardown(() => agent.destroy())
    const read = async (path: string, headers = {}) => {
      const options = { origin: app.url, path, method: 'GET' as const }
      const reply = await agent.request({ ...options, headers: { ...HEADERS, ...headers } })
      return {
        status: reply.statusCode,
        told: reply.headers['cache-status'],
        body: await reply.body.text(),
      }
    }
    const miss = await read('/customers/1')
    t.equal(miss.status, 200)
    for (let i = 0; i < 20; i++) {
      const hit = await read('/customers/1')
      t.match(hit.told, /; hit;/)
      t.equal(hit.body, miss.body)
    }
    t.equal((await read('/things')).status, 200)
    t.equal((await read('/customers/1', { 'x-tenant-id': 'x' })).status, 400)
  }
})

t.test('plain HTTP on the TLS port gets a 400 that says so, and reaches nothing', async (t) => {
  const upstream = await startUpstream(t)
  for (const fastPath of [true, FAST_PATH]) {
    const app = await buildTestApp(t, upstream.url, { server: { tls: TLS, fastPath } })
    const agent = new Agent()
    t.teardown(() => agent.destroy())
    const origin = app.url.replace('https', 'http')
    const content = { method: 'POST' as const, path: '/customers', body: 'x'.repeat(200_000) }
    for (const asked of [{ method: 'GET' as const, path: '/customers/1' }, content]) {
      const { statusCode, headers, body } = await agent.request({
        origin,
        headers: HEADERS,
        ...asked,
      })
      t.equal(statusCode, 400)
      t.match(headers, { 'content-type': /^application\/problem\+json/, connection: 'close' })
      t.match(await body.json(), { code: 'plain_http', detail: /https:\/\//, requestSent: false })
    }
    t.match(app.logged(), '"reason":"plain_http"')
  }
  t.equal(upstream.requests.length, 0)
})

t.test('a hello of TLS that comes in pieces is taken for one', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { tls: TLS } })
  const raw = connect(Number(new URL(app.url).port), '127.0.0.1')
  t.teardown(() => raw.destroy())
  await once(raw, 'connect')
  // What the client's TLS writes goes on byte by byte.
  const pieces = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, done) {
      for (const byte of chunk) raw.write(Buffer.of(byte))
      done()
    },
  })
  raw.setNoDelay(true).on('data', (data) => pieces.push(data))
  const ca = readFileSync(file('ca.pem'))
  const socket = connectTls({ socket: pieces, ca, servername: 'localhost' })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.write('GET /customers/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  t.match(String(answer), /^HTTP\/1\.1 401 /)
})

t.test('files that do not fit are a configuration error that names the key', async (t) => {
  const build = (tls: object): Promise<unknown> =>
    buildTestApp(t, 'http://127.0.0.1:9', { server: { tls } })
  await t.rejects(build({ cert: TLS.cert }), { message: /^server\.tls\.key: is required/ })
  await t.rejects(build({ key: TLS.key }), { message: /^server\.tls\.cert: is required/ })
  await t.rejects(build({ cert: TLS.key, key: TLS.key }), {
    message: /^server\.tls: certificate and key/,
  })
  await t.rejects(build({ ...TLS, key: '/nowhere' }), {
    message: /^server\.tls\.key: can't be read/,
  })
})

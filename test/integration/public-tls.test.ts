/** TLS on the public listener: both front ends, hits and misses, and what a bad pair of files says. */
import { readFileSync } from 'node:fs'
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

t.test('plain HTTP to a TLS listener gets nothing', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { tls: TLS } })
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const origin = app.url.replace('https', 'http')
  await t.rejects(agent.request({ origin, path: '/customers/1', method: 'GET', headers: HEADERS }))
  t.equal(upstream.requests.length, 0)
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

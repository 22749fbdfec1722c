/** The API is told who asks where a key says so, and never by a fill, and believes no client what only a proxy may say. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

const CLAIMS = {
  'x-forwarded-for': '203.0.113.9, 198.51.100.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'api.example',
  forwarded: 'for=198.51.100.7;proto=https',
}
const FIELDS = /^(?:x-forwarded-.*|forwarded|x-real-ip|via-.*|client-ip)$/

type Pairs = Record<string, string | string[] | undefined>

const told = (headers: Pairs | undefined): Pairs =>
  Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => FIELDS.test(name)))

const REQUESTS = [
  ['GET', '/other'],
  ['GET', '/customers/1?a=b'],
  ['PATCH', '/customers/1'],
  ['POST', '/other'],
] as const

for (const { name, server, forwarded, expected } of [
  { name: 'is told nothing by default', server: {}, forwarded: 'off', expected: () => ({}) },
  {
    name: 'is told the address of the connection, whatever a client says',
    server: {},
    forwarded: 'x-forwarded',
    expected: (host: string) => ({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
    }),
  },
  {
    name: 'is told what a trusted proxy says, as far back as trust reaches',
    server: { trustProxy: ['loopback'] },
    forwarded: 'x-forwarded',
    expected: () => ({
      'x-forwarded-for': '198.51.100.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example',
    }),
  },
  {
    name: 'is told all of the chain where all of it is trusted',
    server: { trustProxy: ['127.0.0.1', '198.51.100.0/24'] },
    forwarded: 'x-forwarded',
    expected: () => ({
      'x-forwarded-for': '203.0.113.9, 198.51.100.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example',
    }),
  },
  {
    name: 'is told by Forwarded, whatever a client says',
    server: { trustProxy: ['10.0.0.0/8'] },
    forwarded: 'forwarded',
    expected: (host: string) => ({ forwarded: `for=127.0.0.1;host="${host}";proto=http` }),
  },
  {
    name: 'is told by Forwarded, continued from a trusted proxy',
    server: { trustProxy: ['loopback'] },
    forwarded: 'forwarded',
    expected: (host: string) => ({
      forwarded: `for=198.51.100.7;proto=https, for=127.0.0.1;host="${host}";proto=http`,
    }),
  },
] as const) {
  t.test(`the API ${name}`, async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, { server, upstream: { forwarded } })
    for (const [method, path] of REQUESTS) {
      const content = method === 'GET' ? {} : { body: '{}' }
      const type = method === 'GET' ? {} : { 'content-type': 'application/json' }
      await app.get(path, { method, ...content, headers: { ...CLAIMS, ...type } })
      const { headers } = upstream.requests.at(-1) ?? {}
      t.strictSame(told(headers), expected(new URL(app.url).host), `${method} ${path}`)
    }
  })
}

for (const forwarded of ['x-forwarded', 'forwarded']) {
  t.test(`fills of clients that differ in who they are are alike, by ${forwarded}`, async (t) => {
    const upstream = await startUpstream(t)
    const values = {
      server: { trustProxy: ['loopback'], publicUrl: 'https://public.example:8443' },
      upstream: { forwarded },
    }
    const app = await buildTestApp(t, upstream.url, values)
    const others = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'b.example', host: 'c' }
    for (const headers of [CLAIMS, others, {}]) {
      await app.get('/customers/1', { headers: { ...headers, 'cache-control': 'no-cache' } })
      app.clock.advance(2_000)
    }
    t.equal(upstream.requests.length, 3)
    const differing = /^(?:x-request-id|traceparent)$/
    const [first, ...more] = upstream.requests.map(({ headers }) =>
      Object.entries(headers).filter(([name]) => !differing.test(name)),
    )
    for (const fill of more) t.strictSame(fill, first)
    t.strictSame(
      told(Object.fromEntries(first ?? [])),
      forwarded === 'forwarded'
        ? { forwarded: 'host="public.example:8443";proto=https' }
        : { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'public.example:8443' },
    )
  })
}

t.test('what a trusted proxy says in no known form is not continued', async (t) => {
  const upstream = await startUpstream(t)
  const server = { trustProxy: ['loopback'] }
  for (const [forwarded, name, value] of [
    ['x-forwarded', 'x-forwarded-for', 'unknown'],
    ['x-forwarded', 'x-forwarded-for', '1.1.1.1,'.repeat(400)],
    ['x-forwarded', 'x-forwarded-proto', 'gopher'],
    ['x-forwarded', 'x-forwarded-host', 'a b'],
    ['forwarded', 'forwarded', 'for="a'],
    ['forwarded', 'forwarded', 'for=a,'.repeat(400)],
  ] as const) {
    const app = await buildTestApp(t, upstream.url, { server, upstream: { forwarded } })
    await app.get('/other', { headers: { [name]: value } })
    const { host } = new URL(app.url)
    t.strictSame(
      told(upstream.requests.at(-1)?.headers),
      forwarded === 'forwarded'
        ? { forwarded: `for=127.0.0.1;host="${host}";proto=http` }
        : {
            'x-forwarded-for': '127.0.0.1',
            'x-forwarded-proto': 'http',
            'x-forwarded-host': host,
          },
      `${name}: ${value.slice(0, 20)}`,
    )
  }
})

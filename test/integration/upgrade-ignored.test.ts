/**
 * `Upgrade` and `CONNECT` on connections with pipelined requests: an upgrade is ignored (RFC 9110 section 7.8), and each
 * request is answered, in order, however many there are in a packet; a CONNECT ends the connection after those before it.
 */
import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { exchange, openConnection, parseReplies, startWiretap } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const BASE = `Host: localhost\r\n${Object.entries(HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')}`
const GET = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\n${BASE}${more}\r\n`
const UPGRADES = {
  websocket: 'Connection: Upgrade\r\nUpgrade: websocket\r\n',
  h2c: 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
  'several, in two lines': 'Upgrade: a/1\r\nConnection: keep-alive, upgrade\r\nupgrade: b, c\r\n',
}
const PATCH = (more: string): string =>
  `PATCH /customers/5 HTTP/1.1\r\n${BASE}${more}Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"name":"a"}`
/** So that Node has the connection from the start: the fast path gives it away with nothing owed on it. */
const NODE_ONLY = { server: { fastPath: false } }
const CONNECT = 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'

for (const [name, upgrade] of Object.entries(UPGRADES)) {
  t.test(
    `requests before, behind and between upgrades are answered in order (${name})`,
    async (t) => {
      const upstream = await startUpstream(t, (received, res) =>
        sendJson(res, received, { url: received.url }),
      )
      const tap = await startWiretap(t, upstream.url)
      const app = await buildTestApp(t, tap.url)
      const paths = ['/customers/1', '/customers/2', '/things/3', '/customers/1', '/customers/4']
      const bytes = paths.map((path, i) => GET(path, i % 2 === 1 ? upgrade : '')).join('')
      const { replies } = await exchange(app.url, bytes, paths.length)
      t.strictSame(
        replies.map(({ status }) => status),
        paths.map(() => 200),
      )
      t.strictSame(
        replies.map(({ body }) => JSON.parse(body).url),
        paths,
      )
      t.notMatch(tap.text, /upgrade/i, 'nothing of it goes to the API')
    },
  )

  t.test(`a write with an upgrade is sent once, with its content (${name})`, async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    const { replies } = await exchange(
      app.url,
      PATCH(upgrade) + GET('/things') + PATCH(upgrade) + GET('/a'),
      4,
    )
    t.strictSame(
      replies.map(({ status }) => status),
      [200, 200, 200, 200],
    )
    t.strictSame(upstream.requests.map(({ method, body }) => `${method} ${body}`).sort(), [
      'GET ',
      'GET ',
      'PATCH {"name":"a"}',
      'PATCH {"name":"a"}',
    ])
  })
}

t.test(
  'the connection with an upgrade can be used again, and an upgrade split anywhere is one',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    const client = openConnection(t, app.url)
    const bytes = GET('/a', UPGRADES.h2c)
    for (const [i, at] of [1, 40, bytes.length - 3].entries()) {
      client.write(bytes.slice(0, at))
      await new Promise((done) => setImmediate(done))
      client.write(bytes.slice(at))
      await client.until((text) => parseReplies(text).length === i + 1)
    }
    t.equal(upstream.requests.length, 3)
  },
)

t.test(
  'a long answer before an upgrade or a CONNECT is read to its end, however slowly',
  async (t) => {
    const long = JSON.stringify('x'.repeat(6_000_000))
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, received.url === '/long' ? long : '1'),
    )
    const app = await buildTestApp(t, upstream.url, NODE_ONLY)
    for (const [behind, status] of [
      [GET('/a', UPGRADES.h2c) + GET('/b'), 200],
      [CONNECT, 405],
    ] as const) {
      const client = openConnection(t, app.url)
      client.write(GET('/long') + behind)
      client.socket.pause()
      await upstream.received(1)
      await app.get('/customers/1')
      client.socket.resume()
      const count = status === 200 ? 3 : 2
      const replies = parseReplies(
        await client.until((text) => parseReplies(text).length === count),
      )
      t.equal(replies[0]?.body.length, long.length)
      t.strictSame(
        replies.slice(1).map((reply) => reply.status),
        Array(count - 1).fill(status),
      )
    }
  },
)

t.test(
  'a CONNECT is answered after what was asked before it, and ends the connection',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, NODE_ONLY)
    upstream.hold()
    const client = openConnection(t, app.url)
    client.write(GET('/a') + CONNECT + GET('/b'))
    await upstream.received(1)
    await app.get('/customers/x', { method: 'TRACE' }).catch(() => {})
    t.equal(client.text, '')
    upstream.release()
    const replies = parseReplies(await client.ended)
    t.strictSame(
      replies.map(({ status }) => status),
      [200, 405],
    )
    t.equal(upstream.requests.length, 1)
  },
)

t.test('an answer that ends the connection ends it, whatever upgrade comes behind', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const { replies, closed } = await exchange(
    app.url,
    GET('/a', 'Connection: close\r\n') + GET('/b', UPGRADES.h2c) + GET('/c'),
    9,
  )
  t.equal(closed, true)
  t.equal(replies.length, 1)
  t.equal(upstream.requests.length, 1)
})

t.test('a client that ends its side behind an upgrade leaves no connection', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const client = openConnection(t, app.url)
  client.socket.end(GET('/a') + GET('/b', UPGRADES.h2c) + GET('/c'))
  // 499: what passes through is given up with its client.
  t.notMatch(await client.ended, /HTTP\/1.1 (?!2|499)/)
})

t.test('upgrades are ignored over TLS', async (t) => {
  const file = (name: string): string =>
    fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {
    server: { tls: { cert: file('server.pem'), key: file('server.key') } },
  })
  const client = connectTls({
    port: Number(new URL(app.url).port),
    ca: readFileSync(file('ca.pem')),
    servername: 'localhost',
  })
  t.teardown(() => client.destroy())
  client.write(GET('/a', UPGRADES.h2c) + GET('/b') + GET('/c', UPGRADES.websocket) + GET('/d'))
  let text = ''
  for await (const chunk of client) {
    text += chunk
    if (parseReplies(text).length === 4) break
  }
  t.equal(upstream.requests.length, 4)
})

t.test('the operations listener ignores upgrades, and refuses CONNECT, as well', async (t) => {
  const upstream = await startUpstream(t)
  const { opsUrl } = await buildTestApp(t, upstream.url)
  const bytes =
    GET('/health/live', UPGRADES.websocket) +
    GET('/metrics') +
    GET('/health/live', UPGRADES.h2c) +
    GET('/none') +
    CONNECT
  const { replies, closed } = await exchange(opsUrl, bytes, 9)
  t.strictSame(
    replies.map(({ status }) => status),
    [200, 200, 200, 404, 405],
  )
  t.equal(closed, true)
})

t.test('an upgrade with more fields than Node keeps is not read anew without them', async (t) => {
  const upstream = await startUpstream(t)
  const { opsUrl } = await buildTestApp(t, upstream.url)
  const content = GET('/metrics')
  const lost = `Content-Length: ${content.length}\r\n`
  const many = 'a:\r\n'.repeat(1_200) + UPGRADES.h2c + lost
  const { closed, text } = await exchange(opsUrl, GET('/health/live', many) + content, 9)
  t.equal(closed, true)
  t.equal(text, '')
})

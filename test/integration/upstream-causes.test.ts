/** An outage says why: each way to fail has its cause in the log and the metrics, and clients see no address. */
import dns from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { UpstreamCause } from '../../src/cache/ports.ts'
import type { Snapshot } from '../../src/ops/snapshot.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { startBlackHole } from '../helpers/black-hole.ts'
import { openConnection, startRawUpstream } from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))

async function portOf(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function startTls(t: Test, certificate: string): Promise<string> {
  const cert = readFileSync(file(certificate))
  const server = createHttps({ key: readFileSync(file('server.key')), cert }, (_req, res) =>
    res.end('{}'),
  )
  server.on('tlsClientError', () => {})
  t.teardown(() => server.closeAllConnections())
  return `https://127.0.0.1:${await portOf(t, server)}`
}

/** Answers each request with `text`, and ends the connection if told to. */
async function startAnswering(t: Test, text: string, ends: boolean): Promise<string> {
  const { url } = await startRawUpstream(t, ({ socket }) => {
    socket.on('data', (piece: Buffer) => {
      if (!piece.includes('\r\n\r\n')) return
      socket.write(text)
      if (ends) socket.end()
    })
  })
  return url
}

type Done = (error: Error | null, ...found: never[]) => void
type Lookup = (name: string, options: object, done: Done) => void

function failLookups(t: Test): void {
  const original = dns.lookup
  const fails: Lookup = (name, options, done) => {
    if (!name.endsWith('.invalid')) return (original as Lookup)(name, options, done)
    const error = Object.assign(new Error(`getaddrinfo ${name}`), { code: 'ENOTFOUND' })
    process.nextTick(done, error)
  }
  dns.lookup = fails as typeof dns.lookup
  t.teardown(() => {
    dns.lookup = original
  })
}

const THINGS =
  'GET /things HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b\r\nx-tenant-id: 7\r\n\r\n'
const SHORT = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id": '

interface Way {
  readonly cause: UpstreamCause
  readonly start: (t: Test) => Promise<string>
  readonly code: string | undefined
  readonly upstream?: Record<string, unknown>
  readonly reason?: string
}

const WAYS: Readonly<Record<string, Way>> = {
  'a port on which nothing listens': {
    cause: 'refused',
    start: async (t) => {
      const upstream = await startUpstream(t)
      await upstream.close()
      return upstream.url
    },
    code: 'ECONNREFUSED',
  },
  'a name without an address': {
    cause: 'dns',
    start: async (t) => {
      failLookups(t)
      return 'http://api.layby.invalid:8000'
    },
    code: 'ENOTFOUND',
  },
  'a certificate that has expired': {
    cause: 'tls',
    start: (t) => startTls(t, 'expired.pem'),
    upstream: { ca: file('ca.pem') },
    code: 'CERT_HAS_EXPIRED',
    reason: 'certificate has expired',
  },
  'a certificate for another name': {
    cause: 'tls',
    start: (t) => startTls(t, 'elsewhere.pem'),
    upstream: { ca: file('ca.pem') },
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    reason: 'the certificate is for another name',
  },
  'plain HTTP where TLS is expected': {
    cause: 'tls',
    start: async (t) => (await startUpstream(t)).url.replace('http:', 'https:'),
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    reason: 'wrong version number',
  },
  'a connection that ends within the handshake': {
    cause: 'tls',
    start: async (t) => {
      const server = createServer((socket) => socket.once('data', () => socket.destroy()))
      return `https://127.0.0.1:${await portOf(t, server)}`
    },
    code: 'ECONNRESET',
    reason: 'the connection ended within the handshake',
  },
  'a connection that ends before the answer': {
    cause: 'reset',
    start: (t) => startAnswering(t, '', true),
    code: 'UND_ERR_SOCKET',
  },
  'a connection that ends within the answer': {
    cause: 'truncated',
    start: (t) => startAnswering(t, SHORT, true),
    code: 'UND_ERR_SOCKET',
  },
  'an answer that is no HTTP': {
    cause: 'bad-http',
    start: (t) => startAnswering(t, 'no\r\n\r\n', false),
    code: undefined,
    reason: 'Expected HTTP/, RTSP/ or ICE/',
  },
  'an answer to what was not asked': {
    cause: 'bad-http',
    start: (t) => startAnswering(t, 'HTTP/1.1 206 Partial\r\ncontent-length: 0\r\n\r\n', false),
    code: undefined,
  },
  'an answer that does not begin': {
    cause: 'headers-timeout',
    start: (t) => startAnswering(t, '', false),
    upstream: { headersTimeoutMs: 200 },
    code: 'UND_ERR_HEADERS_TIMEOUT',
  },
  'an answer that does not go on': {
    cause: 'body-timeout',
    start: (t) => startAnswering(t, SHORT, false),
    upstream: { bodyTimeoutMs: 200 },
    code: 'UND_ERR_BODY_TIMEOUT',
  },
  'an address that answers nothing': {
    cause: 'connect-timeout',
    start: async (t) => (await startBlackHole(t)).url,
    upstream: { connectTimeoutMs: 200 },
    code: 'UND_ERR_CONNECT_TIMEOUT',
  },
}

async function metricsOf(app: TestApp): Promise<string> {
  return (await fetch(`${app.opsUrl}/metrics`)).text()
}

async function snapshotOf(app: TestApp): Promise<Snapshot> {
  return (await (await fetch(`${app.opsUrl}/dashboard/snapshot`)).json()) as Snapshot
}

function linesOf(app: TestApp, message: string): Record<string, unknown>[] {
  return app
    .logged()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['message'] === message)
}

for (const [name, { cause, start, code, upstream = {}, reason }] of Object.entries(WAYS)) {
  t.test(`${name} is counted and logged as ${cause}`, async (t) => {
    const url = await start(t)
    const app = await buildTestApp(t, url, { upstream })
    const ways = [
      ['GET', '/customers/1'],
      ['GET', '/things'],
      ['PATCH', '/customers/1'],
    ] as const
    for (const [method, path] of ways) {
      const reply = await app.get(path, { method })
      t.ok(reply.status === 502 || reply.status === 504, `${method} ${path}: ${reply.status}`)
      t.notMatch(JSON.stringify(reply), /127\.0\.0\.1|layby\.invalid|ECONN|certificate/)
    }
    const metrics = await metricsOf(app)
    t.ok(metrics.includes(`layby_upstream_errors_total{cause="${cause}"} 3\n`))
    const counted = metrics.match(/^layby_upstream_errors_total\{cause="[a-z-]+"\} [1-9]/gm)
    t.equal(counted?.length, 1, 'and as nothing else')
    const lines = linesOf(app, 'upstream call failed')
    t.match(lines[0], { 'log.level': 'warn', cause, 'http.request.id': app.reports[0]?.requestId })
    t.equal(lines[0]?.['error.code'], code)
    t.equal(lines[0]?.['error.reason'], reason)
    t.notMatch(app.logged(), /127\.0\.0\.1|layby\.invalid/)
    t.match((await snapshotOf(app)).upstream, {
      name: new URL(url).host,
      errors: { [cause]: 3 },
    })
  })
}

t.test('an answer that breaks off once it is passed on is counted', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'
  const url = await startAnswering(t, `${head}${'x'.repeat(50_000)}`, true)
  const app = await buildTestApp(t, url)
  await t.rejects(app.get('/things'))
  t.equal((await app.get('/customers/1')).status, 502, 'and one that is waited for')
  await until(async () => (await snapshotOf(app)).upstream.errors['truncated'] === 2, 'both')
})

t.test('a client that leaves makes no failed call', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  upstream.hold()
  const client = openConnection(t, app.url)
  client.write(THINGS)
  await upstream.received(1)
  client.socket.destroy()
  await until(() => app.reports.length === 1, 'its report')
  t.notOk(/^layby_upstream_errors_total\{.*\} [1-9]/m.test(await metricsOf(app)))
})

t.test('connections and the queue for them are measured, and told to the dashboard', async (t) => {
  const upstream = await startUpstream(t)
  const limits = { connections: 2, tenantReads: 1, totalTimeoutMs: 60_000 }
  const app = await buildTestApp(t, upstream.url, { upstream: limits })
  await app.get('/customers/1')
  t.match((await snapshotOf(app)).upstream, {
    connections: { connecting: 0, active: 0, idle: 1 },
    queueLength: 0,
    queueWait: { count: 1, sum: 0 },
  })
  upstream.hold()
  const asked = [2, 3].map((id) => app.get(`/customers/${id}`))
  await upstream.received(2)
  await until(async () => (await snapshotOf(app)).upstream.queueLength === 1, 'that one waits')
  const metrics = await metricsOf(app)
  for (const line of [
    'layby_upstream_connections{state="active"} 1',
    'layby_upstream_connections{state="idle"} 0',
    'layby_upstream_queue_length 1',
  ]) {
    t.ok(metrics.includes(`${line}\n`), line)
  }
  app.clock.advance(1_500)
  upstream.release()
  await Promise.all(asked)
  const { queueLength, queueWait } = (await snapshotOf(app)).upstream
  t.equal(queueLength, 0)
  t.match(queueWait, { count: 3, sum: 1.5 })
})

t.test(
  'a request that gets no connection in time is counted, and nothing of it is sent',
  async (t) => {
    const upstream = await startUpstream(t)
    const limits = { connections: 2, headersTimeoutMs: 300, totalTimeoutMs: 300 }
    const app = await buildTestApp(t, upstream.url, { upstream: limits })
    // The one place for what passes through is taken by a body that goes on.
    upstream.answer((_received, res) => void res.write('x'.repeat(50_000)))
    const holder = openConnection(t, app.url)
    holder.write(THINGS)
    await holder.until((text) => text.length > 40_000)
    t.equal((await app.get('/things')).status, 504)
    t.match((await snapshotOf(app)).upstream.errors, { 'queue-timeout': 1, 'total-timeout': 0 })
    t.equal(upstream.requests.length, 1)
  },
)

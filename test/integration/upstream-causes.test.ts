/** An outage says why: each way to fail has its cause in the log and the metrics, and clients see no address. */
import t from 'tap'
import type { Snapshot } from '../../src/ops/snapshot.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { FAILING_UPSTREAMS, startAnswering } from '../helpers/failing-upstreams.ts'
import { openConnection } from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

const THINGS =
  'GET /things HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b\r\nx-tenant-id: 7\r\n\r\n'
const JSON_CONTENT = { body: '{}', headers: { 'content-type': 'application/json' } }
const REQUESTS = [
  ['GET', '/customers/1', {}],
  ['GET', '/things', {}],
  ['PATCH', '/customers/1', {}],
  ['PATCH', '/customers/1', JSON_CONTENT],
  ['POST', '/things', JSON_CONTENT],
] as const

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

for (const [name, failing] of Object.entries(FAILING_UPSTREAMS)) {
  const { cause, isSent, start, code, upstream = {}, reason } = failing
  t.test(`${name} is counted and logged as ${cause}`, async (t) => {
    const url = await start(t)
    const app = await buildTestApp(t, url, { upstream })
    for (const [method, path, more] of REQUESTS) {
      const reply = await app.get(path, { method, ...more })
      t.ok(reply.status === 502 || reply.status === 504, `${method} ${path}: ${reply.status}`)
      t.notMatch(JSON.stringify(reply), /127\.0\.0\.1|layby\.invalid|ECONN|certificate/)
      const { requestSent, explanation } = JSON.parse(reply.body)
      t.equal(requestSent, isSent ? 'maybe' : false, `${method} ${path}`)
      t.match(explanation, isSent ? /may have reached/ : /was not sent/)
      t.equal(app.reports.at(-1)?.cause, cause)
    }
    const metrics = await metricsOf(app)
    t.ok(metrics.includes(`layby_upstream_errors_total{cause="${cause}"} 5\n`))
    const counted = metrics.match(/^layby_upstream_errors_total\{cause="[a-z-]+"\} [1-9]/gm)
    t.equal(counted?.length, 1, 'and as nothing else')
    const lines = linesOf(app, 'upstream call failed')
    t.match(lines[0], { 'log.level': 'warn', cause, 'http.request.id': app.reports[0]?.requestId })
    t.equal(lines[0]?.['error.code'], code)
    t.equal(lines[0]?.['error.reason'], reason)
    t.notMatch(app.logged(), /127\.0\.0\.1|layby\.invalid/)
    t.match((await snapshotOf(app)).upstream, {
      name: new URL(url).host,
      errors: { [cause]: 5 },
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

t.test('connections and the queue for them are measured, and shown by the dashboard', async (t) => {
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

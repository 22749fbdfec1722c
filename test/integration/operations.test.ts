import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { parseOpenMetrics } from '../helpers/openmetrics.ts'
import { startUpstream } from '../helpers/upstream.ts'

const PACKAGE = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { readonly version: string }

/** What `promtool check metrics` says of a text. */
function checkedMetrics(text: string): string {
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  return `${stdout}${stderr}`
}

t.test('metrics have the names of the wire conventions and count what happened', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  await app.get('/customers/1/')
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'x' } })
  await app.get('/customers/1', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const reply = await fetch(`${app.opsUrl}/metrics`)
  const text = await reply.text()
  t.match(reply.headers.get('content-type'), /text\/plain/)
  for (const line of [
    'layby_requests_total{outcome="fill",tier="none",reason="none",code="200"} 1',
    'layby_requests_total{outcome="hit",tier="memory",reason="memory",code="200"} 1',
    'layby_requests_total{outcome="refused",tier="none",reason="none",code="400"} 1',
    'layby_requests_total{outcome="pass-through",tier="none",reason="none",code="200"} 1',
    'layby_lookup_seconds_count{tier="memory"} 2',
    'layby_fill_seconds_count{result="stored"} 1',
    'layby_request_seconds_count{outcome="hit"} 1',
    'layby_request_seconds_bucket{outcome="fill",le="+Inf"} 1',
    'layby_age_at_serve_seconds_count 1',
    'layby_tenant_top_requests{tenant_rank="1"} 3',
    'layby_breaker_state{target="upstream"} 0',
    'layby_reject_total{reason="no-store"} 0',
    'layby_invalidations_total{source="purge"} 0',
    'layby_invalidations_total{source="write"} 1',
    'layby_followers_total 0',
    'layby_sharing_info{sharing="witnessed"} 1',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  const node = process.versions.node
  t.ok(text.includes(`layby_build_info{version="${PACKAGE.version}",node="${node}"} 1\n`))
  t.equal(checkedMetrics(text), '', 'promtool has nothing to say')
  t.not(checkedMetrics('# TYPE a_total gauge\na_total 1\n'), '', 'which it would')
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
  const open = await fetch(`${app.opsUrl}/metrics`, { headers: { accept } })
  t.equal(
    open.headers.get('content-type'),
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  t.ok(parseOpenMetrics(await open.text()).some(({ name }) => name === 'layby_requests'))
  t.match(text, /^layby_memory_bytes [1-9]/m)
  t.match(text, /^# TYPE layby_reject_total counter$/m)
})

t.test('health answers on the operations port only', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/health/live', '/health/ready']) {
    t.equal((await fetch(app.opsUrl + path)).status, 200)
    await app.get(path)
  }
  t.equal((await fetch(`${app.opsUrl}/nothing`)).status, 404)
  t.equal(upstream.requests.length, 2, 'on the public port these are paths like any other')
})

t.test(
  'a token appears nowhere but upstream: not in logs, metrics, errors or the store',
  async (t) => {
    const canary = 'canary-5f3a.secret-part'
    const upstream = await startUpstream(t)
    const stored: string[] = []
    const { createMemoryStore } = await import('../../src/stores/memory-store.ts')
    const memory = createMemoryStore({ maxBytes: 1_000_000 })
    const app = await buildTestApp(
      t,
      upstream.url,
      {},
      {
        memory: {
          ...memory,
          get bytes() {
            return memory.bytes
          },
          get entries() {
            return memory.entries
          },
          set: (key, record, tenant) => {
            stored.push(key, JSON.stringify(record))
            memory.set(key, record, tenant)
          },
        },
      },
    )
    const headers = { authorization: `Bearer ${canary}` }
    const bodies: string[] = []
    const requests: [string, object][] = [
      ['/customers/1/', {}],
      ['/customers/1/', { 'x-tenant-id': 'x' }],
      ['/customers/1/', { authorization: `Bearer ${canary} ${canary}` }],
      ['/customers/07', {}],
      ['/jobs', {}],
      ['/customers/2?x=1', {}],
      ['/customers/3', { 'cache-control': 'only-if-cached' }],
    ]
    for (const [path, more] of requests) {
      const reply = await app.get(path, { headers: { ...headers, ...more } })
      bodies.push(reply.body, JSON.stringify(reply.headers))
    }
    await app.get('/customers/1', {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    })
    const metrics = await (await fetch(`${app.opsUrl}/metrics`)).text()
    t.ok(stored.length > 0)
    for (const [where, text] of Object.entries({
      logs: app.logged(),
      metrics,
      bodies: bodies.join(),
      stored: stored.join(),
    })) {
      t.notOk(text.includes('canary-5f3a'), where)
    }
    t.notOk(app.logged().includes('Plain'), 'no personal data either')
    for (const line of app.logged().trim().split('\n'))
      t.type((JSON.parse(line) as Record<string, unknown>)['@timestamp'], 'string')
  },
)

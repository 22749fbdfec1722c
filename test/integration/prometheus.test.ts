/** The dashboard and the alerts, as Prometheus itself sees them: it scrapes a live Layby with some traffic. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { ALERT_RULES, RULES_FILE } from '../helpers/alert-series.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { type Prometheus, startPrometheus } from '../helpers/prometheus.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { until } from '../helpers/until.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const ROOT = new URL('../../../', import.meta.url)
const at = (path: string): string => fileURLToPath(new URL(path, ROOT))
const ADMIN_TOKEN = 'an-admin-token-for-tests-only'

interface Query {
  readonly expr: string
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly description: string
  readonly targets: readonly Query[]
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
}

const dashboard = JSON.parse(readFileSync(at('deploy/grafana/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly target: Query }[]
  }
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

t.test('promtool accepts the alerts, and each says how bad it is and where to read on', (t) => {
  const told = execFileSync('promtool', ['check', 'rules', RULES_FILE], { encoding: 'utf8' })
  t.match(told, `SUCCESS: ${ALERT_RULES.length} rules found`)
  for (const { alert, for: patience, labels, annotations } of ALERT_RULES) {
    t.match(labels['severity'], /^(critical|warning|\{\{.*\}\}warning\{\{.*\}\}critical.*)$/, alert)
    t.match(patience, /^\d+m$/, alert)
    t.ok(annotations['summary'], alert)
    t.match(annotations['description'], /\.(\{\{ end \}\})?$/, alert)
  }
  t.end()
})

t.test('each panel says in one sentence what it shows', (t) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  const titles = dashboard.panels.map(({ title }) => title)
  t.equal(new Set(titles).size, titles.length)
  for (const { title, description, targets } of panels) {
    t.match(description, /^[A-Z1].{20,200}[^.]\.$/, title)
    t.notMatch(description, /\. [A-Z]/, title)
    for (const { expr } of targets) t.match(expr, /instance=~"\$instance"/, title)
  }
  t.strictSame(
    dashboard.templating.list.map(({ name }) => name),
    ['datasource', 'job', 'instance'],
  )
  t.end()
})

t.test('panels stand in rows, the first of figures, and none lies on another', (t) => {
  t.equal(dashboard.panels[0]?.type, 'row')
  t.equal(dashboard.panels[1]?.type, 'stat')
  const taken = new Set<string>()
  for (const { title, gridPos } of dashboard.panels) {
    const { x, y, w, h } = gridPos
    t.ok(x + w <= 24, title)
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        if (taken.has(`${column},${line}`)) t.fail(`${title} lies on another`)
        taken.add(`${column},${line}`)
      }
    }
  }
  t.end()
})

t.test('every panel has data, and every alert can be evaluated, over a live Layby', async (t) => {
  const redis = await startRedis(t)
  let answers = 0
  const upstream = await startUpstream(t, (received, res) => {
    // Each answer differs: whatever is refreshed was behind.
    answers++
    const status = received.url.startsWith('/failing') ? 503 : 200
    sendJson(res, received, { id: 1, name: `v${answers}`, parent_id: null }, {}, status)
  })
  const values = {
    redis: { url: redis.url },
    cache: { staleWhileRevalidateMs: 60_000, ttlMs: 1_500 },
    ops: { adminToken: ADMIN_TOKEN },
    // Of no effect over plain HTTP, but that it expires one day.
    upstream: { ca: at('test/helpers/tls/ca.pem') },
  }
  const app = await buildTestApp(t, upstream.url, values, { clock: systemClock })
  const prometheus = await startPrometheus(t, app.opsUrl, RULES_FILE)
  const shown = dashboard.panels.filter(({ type }) => type !== 'row')
  const queries = [
    ...shown.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
    ...dashboard.annotations.list.map(({ name, target }) => [name, target.expr] as const),
  ]
  // What is asked in between is what the next scrape finds.
  for (const [title, expr] of queries) {
    const filled = filledIn(expr)
    await until(async () => {
      await askedRound(app)
      return hasNumber(prometheus, filled)
    }, `${title}: ${filled}`)
    t.pass(`${title}: ${filled}`)
  }
  const isEvaluated = async (): Promise<boolean> =>
    (await evaluated(prometheus)).length === ALERT_RULES.length
  await until(isEvaluated, 'an evaluation')
  t.strictSame(
    (await evaluated(prometheus)).filter(({ health }) => health !== 'ok'),
    [],
  )
  for (const { expr } of ALERT_RULES) await prometheus.query(expr)
  const [scraped] = await prometheus.query('scrape_samples_scraped{job="layby"}')
  t.ok((scraped?.value ?? Infinity) <= 500, `${scraped?.value} series`)
})

/** What `$` stands for in Grafana, with all jobs and instances chosen. */
function filledIn(expression: string): string {
  return expression
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$job', '.*')
    .replaceAll('$instance', '.*')
}

async function hasNumber(prometheus: Prometheus, expression: string): Promise<boolean> {
  return (await prometheus.query(expression)).some(({ value }) => Number.isFinite(value))
}

async function evaluated(prometheus: Prometheus) {
  const told = (await prometheus.ask('/rules?type=alert')) as {
    groups: { rules: { name: string; health: string; lastError?: string }[] }[]
  }
  return told.groups.flatMap((group) => group.rules).filter(({ health }) => health !== 'unknown')
}

let rounds = 0

/** Hits, misses, writes and errors; a tenant is switched off, or on again. */
async function askedRound(app: TestApp): Promise<void> {
  const json = { 'content-type': 'application/json' }
  for (let i = 0; i < 5; i++) await app.get('/customers/1/')
  await app.get(`/customers/${2 + Math.floor(Math.random() * 1_000)}/`)
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'no number' } })
  await app.get('/failing')
  const write = { method: 'PATCH', headers: { ...HEADERS, ...json }, body: '{}' }
  await app.get('/customers/3', write)
  // Each switch purges the tenant: now and then is enough.
  if (++rounds % 10 !== 0) return
  const cache = rounds % 20 === 0 ? 'on' : 'off'
  await fetch(`${app.opsUrl}/admin/tenants/12`, {
    method: 'PUT',
    headers: { ...json, authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify({ cache }),
  })
}

/** The dashboard and the alerts, as Prometheus itself sees them: it scrapes a live Layby with some traffic. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { systemClock } from '../../src/lib/clock.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { type Prometheus, startPrometheus } from '../helpers/prometheus.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { until } from '../helpers/until.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(180_000)

const ROOT = new URL('../../../', import.meta.url)
const at = (path: string): string => fileURLToPath(new URL(path, ROOT))
const ALERTS = at('deploy/prometheus/alerts.yml')
const RUNBOOK = 'docs/operations.md'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly targets: readonly { readonly expr: string }[]
}

const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(readFileSync(at('deploy/grafana/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

t.test('promtool accepts the alerts, and each says how bad it is and where to read on', (t) => {
  const told = execFileSync('promtool', ['check', 'rules', ALERTS], { encoding: 'utf8' })
  t.match(told, `SUCCESS: ${rules.length} rules found`)
  const manual = readFileSync(at(RUNBOOK), 'utf8')
  // The sections are being written.
  const isWritten = !manual.includes('<!-- alerts -->')
  for (const { alert, for: patience, labels, annotations } of rules) {
    t.match(labels['severity'], /^(critical|warning)$/, alert)
    t.match(patience, /^\d+m$/, alert)
    t.ok(annotations['summary'], alert)
    t.match(annotations['description'], /\.$/, alert)
    const anchor = alert.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
    t.equal(annotations['runbook_url'], `${RUNBOOK}#${anchor}`)
    if (isWritten) t.ok(anchorsOf(manual).has(anchor), `${anchor} is there`)
  }
  t.end()
})

t.test('a Redis that takes no writes, and invalidations that stay pending, are told', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'layby-alerts-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const series = (name: string, values: string) => ({
    series: `${name}{job="layby",instance="a"}`,
    values,
  })
  const expected = (name: string, at: string, isTold: boolean) => {
    const { labels = {}, annotations = {} } = rules.find(({ alert }) => alert === name) ?? {}
    const filled = JSON.stringify(annotations)
      .replaceAll('{{ $labels.instance }}', 'a')
      .replaceAll('{{ $value }}', '2')
    const told = {
      exp_labels: { job: 'layby', instance: 'a', ...labels },
      exp_annotations: JSON.parse(filled) as unknown,
    }
    return { eval_time: at, alertname: name, exp_alerts: isTold ? [told] : [] }
  }
  // JSON is YAML.
  const file = join(directory, 'test.yml')
  const test = {
    rule_files: [ALERTS],
    evaluation_interval: '30s',
    tests: [
      {
        interval: '30s',
        input_series: [
          series('layby_redis_up', '1 1 1 1 1 1'),
          series('layby_redis_writable', '1 0 0 0 0 1'),
          series('layby_invalidations_pending', '0 2 2 2 2 0'),
        ],
        alert_rule_test: [
          expected('LaybyRedisTakesNoWrites', '1m', false),
          expected('LaybyRedisTakesNoWrites', '2m', true),
          expected('LaybyRedisTakesNoWrites', '150s', false),
          expected('LaybyInvalidationsPending', '1m', false),
          expected('LaybyInvalidationsPending', '2m', true),
          expected('LaybyInvalidationsPending', '150s', false),
        ],
      },
    ],
  }
  writeFileSync(file, JSON.stringify(test))
  t.match(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' }), 'SUCCESS')
  t.end()
})

t.test('each panel says in one sentence what it shows', (t) => {
  const titles = dashboard.panels.map(({ title }) => title)
  t.equal(new Set(titles).size, titles.length)
  for (const { title, description, targets } of dashboard.panels) {
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
  }
  const app = await buildTestApp(t, upstream.url, values, { clock: systemClock })
  const stop = keepAsking(app)
  t.teardown(stop)
  const prometheus = await startPrometheus(t, app.opsUrl, ALERTS)
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      const filled = filledIn(expr)
      await until(async () => hasNumber(prometheus, filled), `${title}: ${filled}`)
      t.pass(`${title}: ${filled}`)
    }
  }
  await until(async () => (await evaluated(prometheus)).length === rules.length, 'an evaluation')
  t.strictSame(
    (await evaluated(prometheus)).filter(({ health }) => health !== 'ok'),
    [],
  )
  for (const { expr } of rules) await prometheus.query(expr)
  const [scraped] = await prometheus.query('scrape_samples_scraped{job="layby"}')
  t.ok((scraped?.value ?? Infinity) <= 500, `${scraped?.value} series`)
  await stop()
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

/** Anchors as GitHub makes them of headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Hits, misses, writes and errors, a few a second, until it is told to stop. */
function keepAsking(app: TestApp): () => Promise<void> {
  let isStopped = false
  const round = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await app.get('/customers/1/')
    await app.get(`/customers/${2 + Math.floor(Math.random() * 1_000)}/`)
    await app.get('/customers/1/', { headers: { 'x-tenant-id': 'no number' } })
    await app.get('/failing')
    await app.get('/customers/3', {
      method: 'PATCH',
      headers: { ...HEADERS, 'content-type': 'application/json' },
      body: '{}',
    })
  }
  const running = (async () => {
    while (!isStopped) {
      await round()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  return async () => {
    isStopped = true
    await running
  }
}

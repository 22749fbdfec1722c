import { execFileSync } from 'node:child_process'
import type { Registry } from 'prom-client'
import t from 'tap'
import { hit, outcome } from '../../../src/cache/outcome.ts'
import type { Report } from '../../../src/cache/report.ts'
import { expose, type MetricFamily } from '../../../src/ops/exposition.ts'
import { chooseFormat } from '../../../src/ops/format-choice.ts'
import { Metrics } from '../../../src/ops/metrics.ts'
import { FakeClock } from '../../helpers/clock.ts'
import { parseOpenMetrics } from '../../helpers/openmetrics.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'

function report(more: Partial<Report>): Report {
  return {
    outcome: hit('memory', 1, 59),
    status: 200,
    method: 'GET',
    route: 'customer',
    tenant: '7',
    requestId: 'an-id',
    problem: null,
    durationMs: 0.02,
    traceId: null,
    ...more,
  }
}

function metricsWith(clock = new FakeClock()): Metrics {
  const sources = {
    clock,
    memory: { bytes: 1_000, entries: 3, evictions: 0, largestTenants: () => [] },
    sharing: 'witnessed',
    trippedTenants: () => 0,
    switchedOffTenants: () => 0,
    redis: {
      isUsable: true,
      isWritable: true,
      isTrusted: true,
      isBreakerOpen: false,
      isBusLive: true,
      pendingInvalidations: 0,
    },
    traffic: { top: () => [] },
    upstream: { connections: () => ({ connecting: 0, active: 0, idle: 0 }), waiting: () => 0 },
    tlsFiles: ['server'] as const,
    certificates: () => ({ server: null, upstream: null, 'upstream-ca': null, 'redis-ca': null }),
  }
  const metrics = new Metrics(sources, '1.2.3')
  metrics.requests.finished(report({}))
  const fill = outcome('fill', { forward: 'uri-miss', stored: true, ttl: 60 })
  metrics.requests.finished(report({ outcome: fill, durationMs: 120, traceId: TRACE }))
  metrics.instance.filled('stored', 110, TRACE)
  return metrics
}

async function familiesOf(registry: Registry): Promise<MetricFamily[]> {
  return (await registry.getMetricsAsJSON()) as unknown as MetricFamily[]
}

t.test('the Prometheus text passes its own tool, and has no exemplars', async (t) => {
  const text = expose(await familiesOf(metricsWith().registry), 'prometheus')
  const told = execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  t.equal(told, '')
  t.notOk(text.includes(TRACE))
  t.match(
    text,
    /^layby_requests_total\{outcome="hit",tier="memory",reason="memory",code="200"\} 1$/m,
  )
  t.match(text, /^layby_request_seconds_bucket\{outcome="fill",le="1"\} 1$/m)
})

t.test(
  'the OpenMetrics text is strictly that, with the trace of the last in a bucket',
  async (t) => {
    const clock = new FakeClock()
    const text = expose(await familiesOf(metricsWith(clock).registry), 'openmetrics')
    const families = new Map(parseOpenMetrics(text).map((family) => [family.name, family]))
    t.equal(families.get('layby_requests')?.type, 'counter')
    t.equal(families.get('layby_requests')?.samples[0]?.name, 'layby_requests_total')
    const exemplar = { labels: { trace_id: TRACE }, timestamp: clock.wall() / 1000 }
    for (const [name, value] of [
      ['layby_request_seconds', 0.12],
      ['layby_fill_seconds', 0.11],
    ] as const) {
      const told = families.get(name)?.samples.filter((sample) => sample.exemplar !== null)
      t.strictSame(
        told?.map(({ exemplar }) => exemplar),
        [{ ...exemplar, value }],
        name,
      )
    }
  },
)

t.test('both texts tell the same series and values, in any order of asking', async (t) => {
  const families = await familiesOf(metricsWith().registry)
  const first = expose(families, 'prometheus')
  const open = expose(families, 'openmetrics')
  t.equal(expose(families, 'prometheus'), first)
  const samples = parseOpenMetrics(open).flatMap((family) => family.samples)
  t.equal(samples.length, first.split('\n').filter((line) => /^[a-z]/.test(line)).length)
})

t.test('what is told cannot break out of its place', (t) => {
  const labels = { why: 'a "quoted"\\ word\nand a line' }
  const family = {
    name: 'odd',
    help: 'two\nlines \\ "here"',
    type: 'gauge',
    values: [{ labels, value: Infinity }],
  }
  const text = expose([family], 'openmetrics')
  t.equal(
    text,
    '# HELP odd two\\nlines \\\\ \\"here\\"\n# TYPE odd gauge\n' +
      'odd{why="a \\"quoted\\"\\\\ word\\nand a line"} +Inf\n# EOF\n',
  )
  t.equal(parseOpenMetrics(text)[0]?.samples.length, 1)
  t.end()
})

t.test(
  'the format is the one that the client prefers, and Prometheus text where it has no wish',
  (t) => {
    const prometheus2 =
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
    const prometheus3 =
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
    const cases: [string | undefined, 'prometheus' | 'openmetrics'][] = [
      [undefined, 'prometheus'],
      ['', 'prometheus'],
      ['*/*', 'prometheus'],
      ['text/html, */*;q=0.8', 'prometheus'],
      ['application/json', 'prometheus'],
      [prometheus2, 'openmetrics'],
      [prometheus3, 'openmetrics'],
      ['application/openmetrics-text', 'openmetrics'],
      ['application/*', 'openmetrics'],
      ['Application/OpenMetrics-Text; Version="1.0.0"; Charset=UTF-8', 'openmetrics'],
      // Versions that we do not speak.
      ['application/openmetrics-text;version=2.0.0', 'prometheus'],
      ['application/openmetrics-text;version=0.0.1, text/plain;q=0.1', 'prometheus'],
      ['text/plain;version=1.0.0;q=0.9, application/openmetrics-text;q=0.1', 'openmetrics'],
      // Qualities.
      ['application/openmetrics-text;q=0.5, text/plain;q=0.5', 'prometheus'],
      ['application/openmetrics-text;q=0.501, text/plain;q=0.5', 'openmetrics'],
      ['application/openmetrics-text;q=0, */*', 'prometheus'],
      ['application/openmetrics-text;q=0', 'prometheus'],
      ['text/plain;q=0, */*;q=0.1', 'openmetrics'],
      ['application/openmetrics-text;q=2', 'prometheus'],
      ['application/openmetrics-text;q=', 'prometheus'],
      // The most precise range counts, not the first or the highest.
      ['*/*;q=1, application/openmetrics-text;q=0.1', 'prometheus'],
      [
        'application/openmetrics-text;q=0.9, application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.5',
        'prometheus',
      ],
      ['application/*;q=0.9, text/plain;q=0.5', 'openmetrics'],
      [';;,,/', 'prometheus'],
    ]
    for (const [accept, format] of cases) t.equal(chooseFormat(accept), format, String(accept))
    t.end()
  },
)

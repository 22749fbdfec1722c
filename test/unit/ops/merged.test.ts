/** What several processes count and see, told as one. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { expose, type MetricFamily } from '../../../src/ops/exposition.ts'
import { MergedMetrics, type ProcessMetrics } from '../../../src/ops/merged-metrics.ts'
import { mergedProblems, mergedTenants } from '../../../src/ops/merged-observations.ts'
import type { RecentProblem } from '../../../src/ops/recent-problems.ts'
import { parseOpenMetrics } from '../../helpers/openmetrics.ts'

async function counted(requests: number, bytes: number, redisUp: number): Promise<ProcessMetrics> {
  const registers = [new Registry()]
  const help = 'x'
  new Counter({ name: 'layby_requests_total', help, labelNames: ['code'], registers })
    .labels('200')
    .inc(requests)
  new Gauge({ name: 'layby_memory_bytes', help, registers }).set(bytes)
  new Gauge({ name: 'layby_redis_up', help, registers }).set(redisUp)
  new Gauge({ name: 'layby_breaker_state', help, registers }).set(1 - redisUp)
  new Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help,
    registers,
    aggregator: 'average',
  }).set(1 - redisUp)
  new Histogram({ name: 'layby_fill_seconds', help, buckets: [1], registers }).observe(requests)
  return (registers[0] as Registry).getMetricsAsJSON()
}

t.test('counters and histograms are added up, gauges as befits them', async (t) => {
  const merged = new MergedMetrics()
  merged.learn(1, await counted(1, 100, 1))
  merged.learn(2, await counted(5, 200, 0))
  const text = await merged.of([]).metrics()
  t.match(text, /^layby_requests_total\{code="200"\} 6$/m)
  t.match(text, /^layby_fill_seconds_bucket\{le="1"\} 1$/m)
  t.match(text, /^layby_fill_seconds_count 2$/m)
  t.match(text, /^layby_memory_bytes 300$/m)
  t.match(text, /^layby_redis_up 0$/m, 'up only where it is for all')
  t.match(text, /^layby_breaker_state 1$/m, 'open where it is for one')
  t.match(text, /^nodejs_eventloop_lag_p99_seconds 1$/m, 'late where one is')
  const told = (await merged.of([]).getMetricsAsJSON()) as unknown as MetricFamily[]
  t.equal(parseOpenMetrics(expose(told, 'openmetrics')).length, 6, 'OpenMetrics as well')
})

t.test('what an ended process had counted stays, and what it had does not', async (t) => {
  const merged = new MergedMetrics()
  for (let id = 1; id <= 3; id++) {
    merged.learn(id, await counted(10, 100, 1))
    await merged.depart(id)
  }
  await merged.depart(99)
  merged.learn(4, await counted(1, 50, 1))
  const text = await merged.of([]).metrics()
  t.match(text, /^layby_requests_total\{code="200"\} 31$/m)
  t.match(text, /^layby_fill_seconds_count 4$/m)
  t.match(text, /^layby_memory_bytes 50$/m)
})

t.test('tenants are added up and sorted anew, problems are sorted by time', (t) => {
  const figures = (tenant: string, requests: number) => ({
    tenant,
    requests,
    hits: 1,
    limited: 0,
    failed: 0,
    misses: { 'uri-miss': 2 } as const,
  })
  t.strictSame(
    mergedTenants([
      [figures('7', 5), figures('8', 4)],
      [figures('9', 6), figures('8', 4)],
    ]).map(({ tenant, requests, hits, misses }) => [tenant, requests, hits, misses['uri-miss']]),
    [
      ['8', 8, 2, 4],
      ['9', 6, 1, 2],
      ['7', 5, 1, 2],
    ],
  )
  const problem = (at: number, cause: string, tenant: string): RecentProblem => ({
    ...{ at, count: 5, code: 'x', status: 502, method: 'GET', path: null, cause },
    ...{ tenant, tenants: [tenant], requestId: `r${at}` },
  })
  t.match(
    mergedProblems([
      [problem(3, 'dns', '7'), problem(1, 'reset', '7')],
      [problem(4, 'reset', '8'), problem(2, 'refused', '7')],
    ]),
    [
      { at: 4, cause: 'reset', count: 10, tenant: '8', tenants: ['8', '7'], requestId: 'r4' },
      { at: 3, cause: 'dns', count: 5 },
      { at: 2, cause: 'refused', count: 5 },
    ],
    'equal ones are one',
  )
  t.end()
})

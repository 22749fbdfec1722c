import t from 'tap'
import { figuresBetween, joined, quantile } from '../../../src/ops/figures.ts'
import type { Histogram } from '../../../src/ops/samples.ts'
import { type Snapshot, snapshotOf } from '../../../src/ops/snapshot.ts'
import { type Verdict, verdictOf } from '../../../src/ops/verdict.ts'
import { inWords, MISS_WORDS } from '../../../src/ops/words.ts'

type Series = readonly [outcome: string, tier: string, reason: string, code: string, count: number]

const HIT: Series = ['hit', 'memory', 'memory', '200', 90]
const FILL: Series = ['fill', 'none', 'none', '200', 10]

/** Old enough not to be warming up. */
function snapshot(series: readonly Series[], more: Partial<Snapshot> = {}): Snapshot {
  const values = series.map(([outcome, tier, reason, code, value]) => {
    return { labels: { outcome, tier, reason, code }, value }
  })
  const made = snapshotOf({
    instance: 'one',
    at: 1_000_000,
    monotonicMs: 60_000,
    isReady: true,
    memoryMaxBytes: 100,
    upstreamName: 'api.example',
    metrics: [
      { name: 'layby_requests_total', values },
      { name: 'process_start_time_seconds', values: [{ labels: {}, value: 10 }] },
    ],
    tenants: [],
    problems: [],
  })
  return { ...made, ...more }
}

function judged(series: readonly Series[], more: Partial<Snapshot> = {}): Verdict {
  const of = snapshot(series, more)
  return verdictOf(of, figuresBetween(null, of), 'in the last minute')
}

const codes = ({ findings }: Verdict): string[] => findings.map(({ code }) => code)

t.test('a cache that answers most reads helps, and says how much', (t) => {
  const verdict = judged([HIT, FILL])
  t.match(verdict, { state: 'good', headline: 'helping', findings: [] })
  t.equal(verdict.title, 'The cache is helping: 90\u00a0% of reads come from it')
  t.match(verdict.because, /^In the last minute, 90 of 100 reads were hits; 100 calls/)
  t.end()
})

t.test('a cache that does not help says what most reads miss for', (t) => {
  const missing: Series = ['fill', 'none', 'reject.no-store', '200', 95]
  const verdict = judged([['hit', 'memory', 'memory', '200', 5], missing])
  t.match(verdict, { state: 'watch', headline: 'not-helping' })
  t.match(verdict.because, /Most misses: not stored: the API said no-store\.$/)
  t.equal(judged([['hit', 'memory', 'memory', '200', 30], missing]).headline, 'helping-little')
  t.equal(judged([missing], { startedAt: 950_000 }).headline, 'warming-up')
  t.equal(
    judged([FILL].map(([...each]) => [...each.slice(0, 4), 3] as unknown as Series)).headline,
    'idle',
  )
  t.match(judged([]), { state: 'idle', because: 'No reads in the last minute.' })
  t.end()
})

t.test('what is wrong is told in words, worst first', (t) => {
  const gaps = { bounds: [], counts: [], count: 0, sum: 0 }
  const redis = { isUp: true, isBusLive: true, busGaps: gaps, mismatches: 0 }
  const cases: [string, readonly Series[], Partial<Snapshot>][] = [
    ['breaker-open', [], { breakers: { upstream: true } }],
    ['upstream-failing', [['failed', 'none', 'none', '502', 5]], {}],
    ['upstream-errors', [['pass-through', 'none', 'none', '500', 20]], {}],
    ['shedding', [['refused', 'none', 'none', '503', 1]], {}],
    ['shedding', [['failed', 'none', 'limited', '503', 1]], {}],
    ['not-ready', [], { isReady: false }],
    ['redis-down', [], { redis: { ...redis, isUp: false, isBusLive: false } }],
    ['bus-silent', [], { redis: { ...redis, isBusLive: false } }],
    ['mismatches', [], { redis: { ...redis, mismatches: 2 } }],
    ['stale-on-error', [], { stale: { sie: 4 } }],
    ['sharing-tripped', [], { sharing: { mode: 'tenant', trippedTenants: 1 } }],
    [
      'often-rejected',
      [],
      {
        upstream: {
          ...snapshot([]).upstream,
          ...{ calls: 40, saved: 0, fills: { stored: 20, rejected: 20 } },
        },
      },
    ],
    [
      'memory-full',
      [['fill', 'none', 'none', '200', 200]],
      { memory: { bytes: 99, maxBytes: 100, entries: 1, residentBytes: null } },
    ],
  ]
  for (const [code, series, more] of cases) {
    const verdict = judged([HIT, FILL, ...series], more)
    t.ok(codes(verdict).includes(code), code)
    t.not(verdict.state, 'good')
    for (const { text } of verdict.findings) t.match(text, /^[A-Z0-9].*\.$/)
  }
  const both = judged([HIT], { breakers: { upstream: true }, redis: { ...redis, isUp: false } })
  t.strictSame(codes(both), ['breaker-open', 'redis-down'])
  t.equal(both.state, 'bad')
  t.equal(both.title, 'Something is wrong; the cache is helping: 100\u00a0% of reads come from it')
  t.strictSame(
    codes(judged([HIT, ['failed', 'none', 'none', '502', 0]])),
    [],
    'nothing: no finding',
  )
  t.end()
})

t.test(
  'figures of a while are differences of totals, and of another process its whole life',
  (t) => {
    const before = snapshot([HIT, FILL])
    const after = snapshot([['hit', 'memory', 'memory', '200', 150], FILL], { monotonicMs: 90_000 })
    const figures = figuresBetween(before, after)
    t.match(figures, {
      seconds: 30,
      requests: 60,
      reads: 60,
      hits: { memory: 60 },
      misses: { none: 0 },
    })
    t.match(figuresBetween(before, { ...after, instance: 'two' }), { seconds: null, requests: 160 })
    t.end()
  },
)

t.test('a refresh and a failed call count against what was saved', (t) => {
  const of = snapshotOf({
    ...{ instance: 'one', at: 0, monotonicMs: 0, isReady: true, memoryMaxBytes: 1 },
    upstreamName: 'api.example',
    metrics: [
      {
        name: 'layby_requests_total',
        values: [
          { labels: { outcome: 'hit', tier: 'memory', reason: 'swr', code: '200' }, value: 10 },
        ],
      },
      {
        name: 'layby_fill_seconds',
        values: [
          { metricName: 'layby_fill_seconds_count', labels: { result: 'stored' }, value: 3 },
          { metricName: 'layby_fill_seconds_sum', labels: { result: 'stored' }, value: 99 },
        ],
      },
      { name: 'layby_stale_served_total', values: [{ labels: { why: 'sie' }, value: 2 }] },
    ],
    tenants: [],
    problems: [],
  })
  t.match(of.upstream, { calls: 3, saved: 5, fills: { stored: 3 } })
  t.end()
})

t.test('percentiles are read from buckets as Prometheus reads them', (t) => {
  const of: Histogram = { bounds: [1, 2, 4], counts: [10, 20, 20], count: 20, sum: 30 }
  t.equal(quantile(of, 0.5), 1)
  t.equal(quantile(of, 0.75), 1.5)
  t.equal(quantile({ ...of, count: 40 }, 0.99), 4, 'above the last bound: that bound')
  t.equal(quantile({ ...of, counts: [0, 0, 0], count: 0 }, 0.5), null)
  t.match(joined([of, of]), { bounds: [1, 2, 4], counts: [20, 40, 40], count: 40, sum: 60 })
  t.equal(joined([]).count, 0)
  t.end()
})

t.test('a word that has no words of its own is still readable', (t) => {
  t.equal(inWords(MISS_WORDS, 'some_new-thing'), 'some new thing')
  t.end()
})

import { readFileSync } from 'node:fs'
import t from 'tap'
import { figuresBetween, joined, quantile } from '../../../src/ops/figures.ts'
import type { Histogram } from '../../../src/ops/samples.ts'
import { type Snapshot, snapshotOf } from '../../../src/ops/snapshot.ts'
import type { TenantFigures } from '../../../src/ops/tenant-traffic.ts'
import { type Verdict, verdictOf } from '../../../src/ops/verdict.ts'
import { inWords, MISS_WORDS } from '../../../src/ops/words.ts'

type Series = readonly [outcome: string, tier: string, reason: string, code: string, count: number]

const FINDINGS = ['findings', 'instance-findings'].map(
  (name) => new URL(`../../../../src/ops/${name}.ts`, import.meta.url),
)
const HIT: Series = ['hit', 'memory', 'memory', '200', 90]
const FILL: Series = ['fill', 'none', 'none', '200', 10]

/** Old enough not to be warming up. */
function snapshot(series: readonly Series[], more: Partial<Snapshot> = {}): Snapshot {
  const values = series.map(([outcome, tier, reason, code, value]) => {
    return { labels: { outcome, tier, reason, code }, value }
  })
  const made = snapshotOf({
    instance: 'one',
    host: 'pod-1',
    version: '1.2.3',
    runbooks: '',
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
  t.match(verdict.because, /The main reason of misses: not stored: the API said no-store\.$/)
  t.equal(judged([['hit', 'memory', 'memory', '200', 30], missing]).headline, 'helping-little')
  t.equal(judged([missing], { startedAt: 950_000 }).headline, 'not-helping', 'at any age')
  const first: Series = ['fill', 'none', 'none', '200', 95]
  t.equal(judged([first], { startedAt: 950_000 }).headline, 'warming-up')
  t.equal(
    judged([FILL].map(([...each]) => [...each.slice(0, 4), 3] as unknown as Series)).headline,
    'idle',
  )
  t.match(judged([]), { state: 'idle', because: 'No reads in the last minute.' })
  t.end()
})

t.test('what is wrong is told in words, worst first', (t) => {
  const gaps = { bounds: [], counts: [], count: 0, sum: 0 }
  const redis = {
    isUp: true,
    isWritable: true,
    pendingInvalidations: 0,
    isBusLive: true,
    busGaps: gaps,
    mismatches: 0,
  }
  const { memory } = snapshot([])
  const cases: [string, readonly Series[], Partial<Snapshot>][] = [
    ['breaker-open', [], { breakers: { upstream: true } }],
    ['upstream-failing', [['failed', 'none', 'none', '502', 5]], {}],
    ['upstream-errors', [['pass-through', 'none', 'none', '500', 20]], {}],
    ['shedding', [['refused', 'none', 'none', '503', 1]], {}],
    ['tenant-limited', [['failed', 'none', 'limited', '503', 1]], {}],
    ['not-ready', [], { isReady: false }],
    ['redis-down', [], { redis: { ...redis, isUp: false, isBusLive: false } }],
    ['bus-silent', [], { redis: { ...redis, isBusLive: false } }],
    ['mismatches', [], { redis: { ...redis, mismatches: 2 } }],
    ['redis-read-only', [], { redis: { ...redis, isWritable: false } }],
    ['invalidations-pending', [], { redis: { ...redis, pendingInvalidations: 3 } }],
    ['event-loop-busy', [], { eventLoop: { activeSeconds: 19, idleSeconds: 1 } }],
    ['memory-near-limit', [], { memory: { ...memory, heapShare: 0.85 } }],
    ['memory-near-limit', [], { memory: { ...memory, residentBytes: 95, limitBytes: 100 } }],
    ['certificate-expiring', [], { certificates: { server: 1_000_000 + 86_400_000 } }],
    ['certificate-expiring', [], { certificates: { upstream: 999_999 } }],
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
      {
        memory: {
          bytes: 99,
          maxBytes: 100,
          entries: 1,
          residentBytes: null,
          limitBytes: null,
          heapShare: 0,
          evictions: 0,
        },
      },
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
  t.equal(
    both.title,
    'The API does not answer; the cache is helping: 100\u00a0% of reads come from it',
  )
  t.strictSame(
    codes(judged([HIT, ['failed', 'none', 'none', '502', 0]])),
    [],
    'nothing: no finding',
  )
  t.end()
})

t.test('sentences say nothing that is not known', (t) => {
  const fills = { stored: 20, rejected: 20 }
  const refreshed = judged([HIT], { upstream: { ...snapshot([]).upstream, fills } })
  t.match(refreshed.findings[0]?.text, /could not be kept\.$/, 'of refreshes no reason is known')
  const failing = snapshot([['failed', 'none', 'none', '502', 90]])
  const of = { ...failing, requests: { ...failing.requests, failedReads: 90 } }
  const { title } = verdictOf(of, figuresBetween(null, of), 'in the last minute')
  t.match(title, /next to no read comes from it$/, 'reads that failed may never have been sent')
  t.end()
})

t.test('reads that failed are reads: with them the share of hits is no better than it was', (t) => {
  const of = snapshot([HIT, ['failed', 'none', 'none', '502', 90]])
  const failing = { ...of, requests: { ...of.requests, failedReads: 60 } }
  const verdict = verdictOf(failing, figuresBetween(null, failing), 'in the last minute')
  t.equal(
    verdict.title,
    '50\u00a0% of requests were not answered by the API; the cache is helping: 60\u00a0% of reads come from it',
  )
  t.match(verdict.because, '90 of 150 reads were hits')
  t.equal(verdict.state, 'bad')
  t.end()
})

t.test('what is wrong goes before the age of the process', (t) => {
  const missing: Series = ['fill', 'none', 'none', '200', 95]
  const gaps = { bounds: [], counts: [], count: 0, sum: 0 }
  const redis = {
    isUp: false,
    isWritable: true,
    pendingInvalidations: 0,
    isBusLive: false,
    busGaps: gaps,
    mismatches: 0,
  }
  const verdict = judged([missing], { startedAt: 950_000, redis })
  t.equal(verdict.headline, 'not-helping')
  t.match(verdict.title, /^Redis is down; the cache is not helping/)
  t.end()
})

const tenant = (name: string, more: Partial<TenantFigures> = {}): TenantFigures => {
  return { tenant: name, requests: 40, hits: 0, limited: 0, failed: 0, misses: {}, ...more }
}

t.test(
  'what a tenant’s limit turns away is its own: no failure of the API, nor of the instance',
  (t) => {
    const series: Series[] = [HIT, FILL, ['failed', 'none', 'limited', '503', 50]]
    const tenants = [tenant('7'), tenant('42', { limited: 50 })]
    const verdict = judged(series, { tenants })
    t.strictSame(codes(verdict), ['tenant-limited'])
    const [finding] = verdict.findings
    t.match(finding, { state: 'watch', title: 'Requests of tenant 42 are turned away' })
    t.match(
      finding?.text,
      /^50 requests were turned away in the last minute, since tenant 42 had too/,
    )
    const many = ['1', '2', '3', '4', '5'].map((name) => tenant(name, { limited: 9 }))
    t.match(judged(series, { tenants: many }).findings[0]?.title, 'tenants 1, 2, 3 and 2 more')
    t.match(judged(series).findings[0]?.title, 'Requests of a tenant are turned away')
    t.end()
  },
)

t.test('a tenant without a hit is a finding where something can be done, and only there', (t) => {
  const cases: [misses: TenantFigures['misses'], expected: RegExp | null][] = [
    [{ 'tenant-off': 30 }, /^No read of tenant 42 was a hit .* An operator can switch/],
    [{ 'version-pin': 25, 'uri-miss': 5 }, /One token names two API versions in turn/],
    [{ 'reject.no-store': 30 }, /header fields forbid/],
    [{ 'uri-miss': 30 }, null],
    [{ query: 19 }, null],
  ]
  for (const [misses, expected] of cases) {
    const verdict = judged([HIT, FILL], { tenants: [tenant('42', { misses }), tenant('7')] })
    if (expected === null) t.strictSame(codes(verdict), [])
    else t.match(verdict.findings, [{ code: 'tenant-without-hits', text: expected }])
  }
  const withHits = tenant('42', { hits: 1, misses: { query: 50 } })
  t.strictSame(codes(judged([HIT, FILL], { tenants: [withHits] })), [])
  t.end()
})

t.test('tenants of a while are differences too, and one that came in anew is whole', (t) => {
  const before = snapshot([HIT], { tenants: [tenant('1', { requests: 10, misses: { query: 3 } })] })
  const now = [tenant('1', { requests: 15, misses: { query: 4 } }), tenant('2', { requests: 9 })]
  const { tenants } = figuresBetween(before, snapshot([HIT], { tenants: now, monotonicMs: 90_000 }))
  t.match(tenants, [
    { tenant: '2', requests: 9 },
    { tenant: '1', requests: 5, misses: { query: 1 } },
  ])
  t.end()
})

t.test(
  'a tenant that moves up among many is left out until it is known what it asked since',
  (t) => {
    const ten = Array.from({ length: 10 }, (_, i) => tenant(String(i), { requests: 50 }))
    const before = snapshot([HIT], { tenants: ten })
    const now = [tenant('99', { requests: 60, limited: 60 }), ...ten.slice(0, 9)]
    const later = snapshot([HIT], { tenants: now, monotonicMs: 90_000 })
    const { tenants } = figuresBetween(before, later)
    t.notOk(tenants.some((each) => each.tenant === '99'))
    t.equal(tenants.length, 9)
    t.end()
  },
)

t.test('each finding names a section of docs/operations.md that is there', (t) => {
  const text = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const sections = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  const named = [
    ...FINDINGS.map((file) => readFileSync(file, 'utf8'))
      .join()
      .matchAll(/section(?:: |\s*=\s*|: of = )'([a-z-]+)'/g),
  ]
  t.ok(named.length >= 16)
  for (const [, section = ''] of named) t.ok(sections.includes(section), section)
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
    ...{ host: 'pod-1', version: '1.2.3', runbooks: '' },
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

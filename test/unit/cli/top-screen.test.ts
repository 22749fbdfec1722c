/** The screen of `layby top`, as a whole and in its corners. */
import t from 'tap'
import { hasColours, painted } from '../../../src/cli/paint.ts'
import { TITLE_WIDTH, type TopView, topScreen } from '../../../src/cli/top-screen.ts'
import { figuresBetween } from '../../../src/ops/figures.ts'
import type { Snapshot } from '../../../src/ops/snapshot.ts'

const AT = Date.UTC(2026, 10, 24, 21, 40, 3)
const SIZE = { columns: 80, rows: 24 }

const histogram = (count: number) => ({
  bounds: [0.001, 0.1, 1],
  counts: [count / 2, count, count],
  count,
  sum: count / 20,
})

const SNAPSHOT: Snapshot = {
  instance: 'a',
  host: 'pod-1',
  version: '1.2.3',
  runbooks: '',
  at: AT,
  monotonicMs: 720_000,
  startedAt: AT - 720_000,
  isReady: true,
  requests: {
    total: 1_300,
    byOutcome: { hit: 900, fill: 90, follower: 10, 'pass-through': 250, refused: 50 },
    hits: { memory: 800, redis: 100 },
    misses: { none: 80, 'reject.status': 10 },
    byStatus: { '2xx': 1_240, '3xx': 0, '4xx': 50, '5xx': 10 },
    upstreamErrors: 4,
    shed: 0,
    limited: 0,
    failedReads: 0,
  },
  upstream: {
    calls: 95,
    saved: 905,
    fills: { stored: 85, rejected: 10 },
    name: 'api.example',
    connections: { connecting: 0, active: 2, idle: 6 },
    queueLength: 0,
    queueWait: histogram(0),
    errors: { refused: 0 },
  },
  latency: { hit: histogram(900), fill: histogram(90) },
  stale: { swr: 7, sie: 0 },
  followers: 10,
  rejects: { status: 10 },
  invalidations: { write: 3, bus: 2 },
  staleness: histogram(0),
  sharing: { mode: 'witnessed', trippedTenants: 0 },
  memory: {
    bytes: 25_165_824,
    maxBytes: 67_108_864,
    entries: 1_204,
    evictions: 0,
    residentBytes: 125_829_120,
    limitBytes: null,
    heapShare: 0.2,
  },
  eventLoop: { activeSeconds: 1, idleSeconds: 9 },
  certificates: {},
  redis: {
    isUp: true,
    isWritable: true,
    pendingInvalidations: 0,
    isBusLive: true,
    busGaps: histogram(0),
    mismatches: 0,
  },
  breakers: { upstream: false },
  tenants: [
    { tenant: '7', requests: 1_200, hits: 880, limited: 0, failed: 0, misses: { 'uri-miss': 80 } },
    {
      tenant: '9223372036854775807',
      requests: 100,
      hits: 20,
      limited: 0,
      failed: 0,
      misses: { 'reject.status': 10 },
    },
  ],
  problems: [
    {
      at: AT - 2_000,
      count: 3,
      code: 'upstream_status',
      status: 503,
      method: 'GET',
      path: '/customers/{customer_id}',
      cause: null,
      tenant: '7',
      tenants: ['7'],
      requestId: '0198c0de-0000-7000-8000-000000000001',
    },
  ],
}

function viewOf(more: Partial<TopView> = {}): TopView {
  return {
    base: 'http://127.0.0.1:9003',
    snapshot: SNAPSHOT,
    figures: figuresBetween(null, SNAPSHOT),
    fault: null,
    isLive: true,
    ...more,
  }
}

const textOf = (view: TopView, size = SIZE) => topScreen(view, size).map(({ text }) => text)

t.test('all is on one screen of 80 by 24', (t) => {
  t.strictSame(
    textOf(viewOf()),
    [
      'layby  http://127.0.0.1:9003  up 12 min  ready  since it began  21:40:03Z  q: quit',
      'The cache is helping: 90\u00a0% of reads come from it',
      'Since it began, 900 of 1,000 reads were hits; 905 calls to the API were saved.',
      '',
      'HIT RATIO      90.0%  [###########################---]  memory 80.0%  redis 10.0%',
      'REQUESTS      1.3k  reads 1.0k  refused 50  failed 0  turned away 0',
      'LATENCY           p50      p95      p99  requests',
      'hit            1.0 ms    90 ms    98 ms       900',
      'fill           1.0 ms    90 ms    98 ms        90',
      'pass-through        –        –        –         0',
      'all            1.0 ms    90 ms    98 ms       990',
      'UPSTREAM      calls 95  saved 905  5xx 4  breaker closed',
      'STALE         swr 7  sie 0  max-stale 0  followers 10 in all',
      'INVALIDATED   write 3  change 0  bus 2  purge 0  credential 0',
      'REDIS         up  bus live  gaps 0 (0 s in all)  mismatches 0',
      'MEMORY        24.0 MiB of 64.0 MiB (37.5%)  1.2k entries  process 120.0 MiB',
      '',
      'TENANT               REQUESTS  HIT RATIO  MISSES MOSTLY',
      '7                        1.2k      91.7%  first read of the record by that credenti…',
      '9223372036854775807       100      66.7%  not stored: the API’s answer was no 200',
      'LAST PROBLEMS  STATUS  TENANT  CODE                REQUEST',
      '21:40:01Z      503     7       upstream_status ×3  0198c0de-0000-7000-8000-0000…',
    ].map((line) => (line.length > 80 ? `${line.slice(0, 79)}…` : line)),
  )
  t.end()
})

t.test('it fits whatever the terminal is, and shows more where there is room', (t) => {
  const tenants = Array.from({ length: 10 }, (_, n) => ({
    tenant: String(n + 1),
    requests: 10,
    hits: 5,
    limited: 0,
    failed: 0,
    misses: {},
  }))
  const problems = Array.from({ length: 20 }, () => SNAPSHOT.problems[0]!)
  const view = viewOf({ snapshot: { ...SNAPSHOT, tenants, problems } })
  for (const columns of [20, 40, 80, 120, 200]) {
    for (const rows of [5, 12, 24, 40, 60]) {
      const lines = textOf(view, { columns, rows })
      t.ok(lines.length <= rows, `${columns} by ${rows}: ${lines.length} lines`)
      for (const line of lines) t.ok(line.length <= columns, line)
    }
  }
  const count = (lines: readonly string[], part: string) =>
    lines.filter((line) => line.includes(part)).length
  t.ok(count(textOf(view), 'upstream_status') >= 2, 'neither list takes all')
  t.ok(count(textOf(view), '100.0%') >= 2)
  t.equal(count(textOf(view, { columns: 80, rows: 60 }), 'upstream_status'), 20)
  t.equal(textOf(view, { columns: 80, rows: 60 }).length, 49, 'and all ten tenants')
  t.end()
})

t.test('rates are those of the time between two snapshots', (t) => {
  const earlier: Snapshot = {
    ...SNAPSHOT,
    monotonicMs: 710_000,
    requests: { ...SNAPSHOT.requests, total: 300 },
    upstream: { ...SNAPSHOT.upstream, calls: 45 },
  }
  const lines = textOf(viewOf({ figures: figuresBetween(earlier, SNAPSHOT) }))
  t.match(lines[0], /last 10 s/)
  t.match(lines[5], /^REQUESTS +100\/s/)
  t.match(lines[11], /^UPSTREAM +calls 5\/s/)
  t.end()
})

t.test('what is wrong is told in words: colours only repeat it', (t) => {
  const down = viewOf({
    snapshot: {
      ...SNAPSHOT,
      isReady: false,
      breakers: { upstream: true },
      redis: {
        isUp: false,
        isWritable: true,
        pendingInvalidations: 0,
        isBusLive: false,
        busGaps: histogram(2),
        mismatches: 1,
      },
    },
    fault: "can't reach it: \u001b[2Jgone",
  })
  const text = textOf(down).join('\n')
  for (const part of ['NOT READY', 'breaker OPEN', 'DOWN', 'bus SILENT']) t.match(text, part)
  t.ok(text.includes("No news: can't reach it:  [2Jgone"))
  t.notOk(text.includes('\u001b'))
  t.match(textOf(viewOf({ snapshot: { ...SNAPSHOT, redis: null } })).join('\n'), /not configured/)
  t.end()
})

t.test('colours are for terminals that want them', (t) => {
  t.ok(hasColours({ isTTY: true }, {}))
  t.ok(hasColours({ isTTY: true }, { NO_COLOR: '' }), 'empty is not set')
  t.notOk(hasColours({ isTTY: true }, { NO_COLOR: '1' }))
  t.notOk(hasColours({ isTTY: true }, { TERM: 'dumb' }))
  t.notOk(hasColours({ isTTY: false }, {}))
  t.notOk(hasColours({}, {}))
  t.equal(painted({ text: 'x', tone: 'plain' }, TITLE_WIDTH), 'x')
  t.equal(painted({ text: 'x', tone: 'bad' }, TITLE_WIDTH), '\u001b[1;31mx\u001b[0m')
  t.equal(painted({ text: 'AB cd', tone: 'title' }, 3), '\u001b[1mAB \u001b[0mcd')
  t.end()
})

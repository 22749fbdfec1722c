/** What commands print, line by line. */
import t from 'tap'
import { fit, tableLines } from '../../../src/cli/columns.ts'
import { byteSize, duration, latency, percent, shortCount } from '../../../src/cli/figures.ts'
import { printable } from '../../../src/cli/printable.ts'
import { purgedLines } from '../../../src/cli/purge.ts'
import { tenantsLines } from '../../../src/cli/tenants.ts'

t.test('numbers are short, and say when there is none', (t) => {
  const counts: [number, string][] = [
    [0, '0'],
    [7, '7'],
    [0.25, '0.3'],
    [912.4, '912'],
    [999.96, '1.0k'],
    [1_500, '1.5k'],
    [99_960, '100k'],
    [23_000_000, '23.0M'],
    [4e12, '4.0T'],
    [Number.NaN, '–'],
  ]
  for (const [count, text] of counts) t.equal(shortCount(count), text)
  t.equal(percent(0.934), '93.4%')
  t.equal(percent(null), '–')
  t.equal(byteSize(912), '912 B')
  t.equal(byteSize(67_108_864), '64.0 MiB')
  const latencies: [number | null, string][] = [
    [0.00008, '80 µs'],
    [0.0014, '1.4 ms'],
    [0.25, '250 ms'],
    [2.5, '2.5 s'],
    [null, '–'],
  ]
  for (const [seconds, text] of latencies) t.equal(latency(seconds), text)
  const durations: [number, string][] = [
    [0, '0 s'],
    [2.5, '2.5 s'],
    [41.7, '42 s'],
    [-3, '-3 s'],
    [720, '12 min'],
    [10_800, '3 h'],
    [172_800, '2 d'],
  ]
  for (const [seconds, text] of durations) t.equal(duration(seconds), text)
  t.end()
})

t.test('a table is as wide as it must be, and ends no line with spaces', (t) => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' } as const, { title: 'WHY' }]
  t.strictSame(
    tableLines(columns, [
      ['a', '12', 'x'],
      ['bcdef', '3'],
    ]),
    ['NAME    N  WHY', 'a      12  x', 'bcdef   3'],
  )
  t.equal(fit('abcdef', 4), 'abc…')
  t.equal(fit('abcd', 4), 'abcd')
  t.end()
})

t.test('text of others gives a terminal no orders', (t) => {
  t.equal(printable('a\u001b[2Jb\nc\u202ed\u009b1m'), 'a [2Jb c d 1m')
  t.equal(printable('x'.repeat(1_000)).length, 300)
  t.equal(printable('one two three', 10), 'one two…', 'what is too long ends after a word')
  t.equal(printable('one two three', 9), 'one two…')
  t.equal(printable('one two', 7), 'one two')
  t.end()
})

t.test('tenants are told with their reasons, most frequent first', (t) => {
  const rows = [
    {
      tenant: '7',
      requests: 1200,
      hits: 900,
      limited: 0,
      failed: 0,
      misses: { stale: 10, 'uri-miss': 90 },
    },
    {
      tenant: '12',
      requests: 3,
      hits: 0,
      limited: 0,
      failed: 0,
      misses: { 'reject.\u001b[31m': 3 },
    },
    { tenant: '8', requests: 1, hits: 0, limited: 0, failed: 0, misses: {} },
  ]
  t.strictSame(tenantsLines(rows), [
    'TENANT  REQUESTS  HITS  HIT RATIO  MISSES  WHY THEY MISS',
    '7           1200   900      90.0%     100  uri-miss 90, stale 10',
    '12             3     0       0.0%       3  reject. [31m 3',
    '8              1     0          –       0',
  ])
  t.strictSame(tenantsLines([]), ['No tenant has asked for anything since this instance began.'])
  t.end()
})

t.test('a purge says what, how far it has got, and what that means', (t) => {
  const reply = { generation: 'g-1', instancesAcked: 1, instancesKnown: 1 }
  t.equal(
    purgedLines({ mode: 'hard', tenant: '7', customer: '5' }, reply),
    'Purged: customer 5 of tenant 7.\n1 of 1 instance has applied it; in the audit log it is g-1.\n',
  )
  t.match(
    purgedLines({ mode: 'soft', tenant: '7', all: true }, { ...reply, instancesKnown: 2 }),
    /^Made stale: all of tenant 7\.\n1 of 2 instances have applied it.*\nAn instance that has not answered/,
  )
  t.match(
    purgedLines({ mode: 'hard', credential: 'abc' }, { ...reply, pending: true }),
    /credential abc\.\n.*\nRedis, or an instance, has not been told/,
  )
  t.end()
})

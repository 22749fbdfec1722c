import t from 'tap'
import { assessFreshness } from '../../../src/cache/freshness.ts'
import type { HeaderList } from '../../../src/cache/records.ts'
import { formatHttpDate } from '../../../src/lib/http-date.ts'

const SENT_AT = Date.UTC(2026, 10, 24, 10, 0, 0, 500)
const TIMES = { sentAt: SENT_AT, receivedAt: SENT_AT + 2_000 }
const TTL_MS = 300_000

/** @param seconds from when the request was sent */
const at = (seconds: number): string => formatHttpDate(SENT_AT + seconds * 1000)

function ageOf(...headers: HeaderList): number | string {
  const found = assessFreshness(headers, TTL_MS, TIMES)
  return typeof found === 'string' ? found : found.initialAgeMs / 1000
}

function lifetimeOf(...headers: HeaderList): number | string {
  const found = assessFreshness(headers, TTL_MS, TIMES)
  return typeof found === 'string' ? found : found.lifetimeMs / 1000
}

t.test('Age is the first member of a list, at most 2^31, and otherwise ignored', (t) => {
  for (const [value, expected] of [
    ['0', 0],
    ['100', 100],
    ['0100', 100],
    ['7200', 'expired'],
    ['7200, 0', 'expired'],
    ['7200,0', 'expired'],
    ['0, 7200', 0],
    ['100 , 7200', 100],
    ['99999999999', 'expired'],
    ['9'.repeat(400), 'expired'],
    ['-7200', 0],
    ['7200.0', 0],
    ['7200;x=y', 0],
    ['"7200"', 0],
    ['a', 0],
    ['', 0],
    [', 7200', 0],
  ] as const) {
    t.equal(ageOf(['age', value]), expected, value)
  }
  t.equal(ageOf(['age', '7200'], ['age', '0']), 'expired', 'two lines are a list')
  t.end()
})

t.test('an old Date without an Age makes an answer old', (t) => {
  t.equal(ageOf(['date', at(-100)]), 100)
  t.equal(ageOf(['date', at(-301)]), 'expired')
  t.equal(ageOf(['date', at(-100)], ['age', '30']), 100, 'the greater of both')
  t.equal(ageOf(['date', at(-30)], ['age', '100']), 100)
  t.equal(ageOf(['date', 'Sunday, 20-Aug-95 10:11:12 GMT']), 'expired')
  t.end()
})

t.test('a Date of now, of later, or that is none makes no age', (t) => {
  for (const date of [at(0), at(1), at(-1), at(3_600), 'yesterday', '2020-01-01']) {
    t.equal(ageOf(['date', date]), 0, date)
  }
  t.equal(ageOf(['date', at(-100)], ['date', at(-100)]), 0, 'two are none')
  t.equal(ageOf(), 0)
  t.end()
})

t.test('Expires counts from Date, and from the time of receipt without one', (t) => {
  t.equal(lifetimeOf(['date', at(0)], ['expires', at(45)]), 45)
  t.equal(lifetimeOf(['date', at(3_600)], ['expires', at(3_645)]), 45, 'by the upstream’s clock')
  t.equal(lifetimeOf(['expires', at(45)]), 42.5)
  t.equal(lifetimeOf(['date', 'never'], ['expires', at(45)]), 42.5)
  t.equal(lifetimeOf(['date', at(0)], ['expires', at(9_000)]), 300)
  t.equal(lifetimeOf(['date', at(0)], ['expires', 'Tuesday, 24-Nov-26 10:00:45 GMT']), 45)
  t.equal(lifetimeOf(['date', at(0)], ['expires', 'Tue Nov 24 10:00:45 2026']), 45)
  t.end()
})

t.test('an Expires that is no date is in the past', (t) => {
  for (const value of [
    '0',
    '-1',
    '3600',
    '2050',
    '2050-01-01',
    'Thu, 01 Dec 2050 16:00:00 EST',
    'Thu, 01 Dec 2050 16:00:00 UTC',
    'Thu, 01 Dec 2050 16:00:00',
    'Thu, 1 Dec 2050 16:00:00 GMT',
    'Thursday, 01-Dec-94 16:00:00 GMT',
    '',
  ]) {
    t.equal(lifetimeOf(['date', at(0)], ['expires', value]), 'expired', value)
  }
  const twice = ['expires', at(45)] as const
  t.equal(lifetimeOf(['date', at(0)], twice, twice), 'expired', 'two are none')
  t.equal(lifetimeOf(['expires', '0'], ['cache-control', 'max-age=60']), 60, 'max-age wins')
  t.end()
})

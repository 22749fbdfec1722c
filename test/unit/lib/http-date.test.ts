import t from 'tap'
import { formatHttpDate, parseHttpDate } from '../../../src/lib/http-date.ts'

const NOW = Date.UTC(2026, 10, 24, 10)
const NOVEMBER_1994 = Date.UTC(1994, 10, 6, 8, 49, 37)

const DATES: readonly [string, number][] = [
  ['Sun, 06 Nov 1994 08:49:37 GMT', NOVEMBER_1994],
  ['Sunday, 06-Nov-94 08:49:37 GMT', NOVEMBER_1994],
  ['Sun Nov  6 08:49:37 1994', NOVEMBER_1994],
  ['Thu Nov 16 08:49:37 1995', Date.UTC(1995, 10, 16, 8, 49, 37)],
  // RFC 9111 section 4.2: a cache heeds no case.
  ['SUN, 06 NOV 1994 08:49:37 gmt', NOVEMBER_1994],
  ['sunday, 06-nov-94 08:49:37 GMT', NOVEMBER_1994],
  ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  // A leap second is taken for the one before it.
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2016, 11, 31, 23, 59, 59)],
  ['Sat, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59)],
]

for (const [text, time] of DATES) {
  t.test(`${text} is a date`, (t) => {
    t.equal(parseHttpDate(text, NOW), time)
    t.end()
  })
}

const NO_DATES = [
  '',
  '0',
  '-1',
  '3600',
  '2050',
  '2050-01-01',
  '2050-01-01T00:00:00Z',
  'Thu, 01 Dec 2050 16:00:00',
  'Thu, 01 Dec 2050 16:00:00 EST',
  'Thu, 01 Dec 2050 16:00:00 UTC',
  'Thu, 01 Dec 2050 16:00:00 Z',
  'Thu, 01 Dec 2050 16:00:00 +0000',
  'Thu, 01 Dec 2050 16:00:00 GMT+1',
  'Thu, 1 Dec 2050 16:00:00 GMT',
  'Thu, 01 Dec 2050 6:00:00 GMT',
  'Thu, 01 Dec 2050 16:00 GMT',
  'Thu, 01 Dec 50 16:00:00 GMT',
  'Thu, 01-Dec-2050 16:00:00 GMT',
  'Thursday, 01-Dec-2050 16:00:00 GMT',
  'Thu, 01-Dec-50 16:00:00 GMT',
  'Thursday, 01 Dec 2050 16:00:00 GMT',
  'Thu, 01  Dec 2050 16:00:00 GMT',
  ' Thu, 01 Dec 2050 16:00:00 GMT',
  'Thu 01 Dec 2050 16:00:00 GMT',
  '01 Dec 2050 16:00:00 GMT',
  'Abc, 01 Dec 2050 16:00:00 GMT',
  'Thu, 01 Abc 2050 16:00:00 GMT',
  'Thu, 00 Dec 2050 16:00:00 GMT',
  'Thu, 32 Dec 2050 16:00:00 GMT',
  'Wed, 29 Feb 2023 16:00:00 GMT',
  'Thu, 01 Dec 2050 24:00:00 GMT',
  'Thu, 01 Dec 2050 16:60:00 GMT',
  'Thu, 01 Dec 2050 16:00:61 GMT',
  'Thu Dec 1 16:00:00 2050',
  'Thu Dec  1 16:00:00 2050 GMT',
  'Thu, 01 Dec 2050 16:00:00 GMT, Thu, 01 Dec 2050 16:00:00 GMT',
]

for (const text of NO_DATES) {
  t.test(`${JSON.stringify(text)} is no date`, (t) => {
    t.ok(Number.isNaN(parseHttpDate(text, NOW)))
    t.end()
  })
}

t.test('a year of two digits is at most 50 years ahead', (t) => {
  const yearOf = (text: string, now = NOW): number =>
    new Date(parseHttpDate(`Monday, ${text} 10:00:00 GMT`, now)).getUTCFullYear()
  t.equal(yearOf('24-Nov-26'), 2026)
  t.equal(yearOf('01-Jan-27'), 2027)
  t.equal(yearOf('24-Nov-76'), 2076, 'exactly 50 years')
  t.equal(yearOf('25-Nov-76'), 1976, 'a day more')
  t.equal(yearOf('01-Jan-00'), 2000)
  t.equal(yearOf('01-Jan-99'), 1999)
  t.equal(yearOf('01-Jan-05', Date.UTC(2060, 0, 1)), 2105, 'over the turn of a century')
  t.ok(Number.isNaN(yearOf('29-Feb-00', Date.UTC(2080, 0, 1))), 'no such day in 2100')
  t.equal(yearOf('29-Feb-96', Date.UTC(2026, 0, 1)), 1996)
  t.end()
})

t.test('what is formatted is read as the same second', (t) => {
  t.equal(formatHttpDate(NOVEMBER_1994), 'Sun, 06 Nov 1994 08:49:37 GMT')
  t.equal(parseHttpDate(formatHttpDate(NOVEMBER_1994 + 999), NOW), NOVEMBER_1994)
  t.ok(Number.isNaN(parseHttpDate(null, NOW)))
  t.end()
})

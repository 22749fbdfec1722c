/**
 * HTTP-date (RFC 9110 section 5.6.7): its three forms and nothing else. Case does not matter, as RFC 9111 section 4.2
 * asks of caches; another zone than GMT, one digit where two are due, or a day that no month has, make it no date.
 *
 * ```
 *   Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate
 *   Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
 *   Sun Nov  6 08:49:37 1994           asctime()
 * ```
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const LONG_DAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)day'
const MONTH = `(?<month>${MONTHS.join('|')})`
/** 60 is a leap second. */
const TIME = '(?<hour>[01][0-9]|2[0-3]):(?<minute>[0-5][0-9]):(?<second>[0-5][0-9]|60)'

const FORMS: readonly RegExp[] = [
  new RegExp(`^${DAY}, (?<day>[0-9]{2}) ${MONTH} (?<year>[0-9]{4}) ${TIME} GMT$`, 'i'),
  new RegExp(`^${LONG_DAY}, (?<day>[0-9]{2})-${MONTH}-(?<year>[0-9]{2}) ${TIME} GMT$`, 'i'),
  new RegExp(`^${DAY} ${MONTH} (?<day>[0-9]{2}| [0-9]) ${TIME} (?<year>[0-9]{4})$`, 'i'),
]

type Groups = Readonly<Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>>

/**
 * @param now milliseconds since 1970: a year of two digits is told by it
 * @returns milliseconds since 1970; NaN: absent, or no date
 */
export function parseHttpDate(text: string | null | undefined, now: number): number {
  if (text == null) return Number.NaN
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups as Groups | undefined
    if (groups !== undefined) return timeOf(groups, now)
  }
  // guard: http-date-forms
  return Number.NaN
}

function timeOf(groups: Groups, now: number): number {
  const year = Number(groups.year)
  if (groups.year.length === 4) return timeIn(year, groups)
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  // What seems to be more than 50 years ahead is the most recent year that ends in the same digits.
  let full = limit.getUTCFullYear() - (limit.getUTCFullYear() % 100) + year
  if (timeIn(full, groups, true) > limit.getTime()) full -= 100
  return timeIn(full, groups)
}

/** @param rollsOver a day that the month does not have is one of the next, in place of none */
function timeIn(year: number, groups: Groups, rollsOver = false): number {
  const month = MONTHS.indexOf(groups.month.toLowerCase())
  const day = Number(groups.day)
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  if (date.getUTCMonth() !== month && !rollsOver) return Number.NaN
  if (day === 0) return Number.NaN
  // A leap second is the one before it: nothing is taken to last longer than it says (RFC 9111 section 4.2).
  const second = Math.min(Number(groups.second), 59)
  return date.setUTCHours(Number(groups.hour), Number(groups.minute), second)
}

/** As a new `Date` field has it. @param time milliseconds since 1970 */
export function formatHttpDate(time: number): string {
  return new Date(time).toUTCString()
}

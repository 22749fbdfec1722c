/** `Retry-After` (RFC 9110 section 10.2.3). */
import type { HeaderList } from '../cache/records.ts'
import { parseHttpDate } from '../lib/http-date.ts'

/** Whatever says more says as much: nobody is told to wait for longer. */
const MAX_SECONDS = 86_400

/**
 * Milliseconds to wait, a day at most; 0 when the answer does not say. A date counts from the answer's own `Date`.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterMs(headers: HeaderList, now: number): number {
  const value = valueIn(headers, 'retry-after') ?? ''
  if (/^[0-9]+$/.test(value)) return Math.min(Number(value), MAX_SECONDS) * 1000
  const made = parseHttpDate(valueIn(headers, 'date'), now)
  const wait = parseHttpDate(value, now) - (Number.isNaN(made) ? now : made)
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(0, wait), MAX_SECONDS * 1000)
}

/** All lines of the field, as one: two of a field that has one value are none. */
function valueIn(headers: HeaderList, name: string): string | null {
  const values = headers.filter(([candidate]) => candidate === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}

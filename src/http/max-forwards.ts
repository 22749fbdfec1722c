/** `Max-Forwards` (RFC 9110 section 7.6.2): how many times more an `OPTIONS` may be forwarded. */

/** The most that is sent on. */
const MOST = 255
const DECIMAL = /^[0-9]+$/

/**
 * How often the request may still be forwarded, by us included. Null: it is not said, not readable, or of a method for
 * which the field may be ignored.
 *
 * @param value without outer white space; lines of one name joined
 */
export function forwardsLeft(method: string, value: string | null): number | null {
  if (value === null || method !== 'OPTIONS' || !DECIMAL.test(value)) return null
  return Math.min(Number(value), MOST + 1)
}

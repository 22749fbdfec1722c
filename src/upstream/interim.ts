/** Interim answers of the upstream that go on to the client (RFC 9110 section 15.2): 102 and 103. */
import type { HeaderList } from '../cache/records.ts'
import { endToEndHeaders } from './headers.ts'

export interface Interim {
  readonly status: 102 | 103
  readonly headers: HeaderList
}

/**
 * @param raw names and values in turn, as the upstream sent them
 * @returns null: it is not forwarded
 */
export function forwardedInterim(status: number, raw: readonly string[]): Interim | null {
  if (status !== 102 && status !== 103) return null
  const headers = endToEndHeaders(raw)
  if (headers === null) return null
  // RFC 9110 section 8.6: an interim answer has no length.
  return { status, headers: headers.filter(([name]) => name !== 'content-length') }
}

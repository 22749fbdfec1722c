/** `Retry-After` (RFC 9110 section 10.2.3). */
import type { HeaderList } from '../cache/records.ts'
import { parseHttpDate } from '../lib/http-date.ts'

/** Milliseconds to wait; 0 when the answer does not say. A date counts from the answer's own `Date`. */
export function retryAfterMs(headers: HeaderList): number {
  const value = valueIn(headers, 'retry-after')
  if (value === undefined) return 0
  if (/^[0-9]{1,9}$/.test(value)) return Number(value) * 1000
  const wait = parseHttpDate(value) - parseHttpDate(valueIn(headers, 'date'))
  return Number.isFinite(wait) ? Math.max(0, wait) : 0
}

function valueIn(headers: HeaderList, name: string): string | undefined {
  return headers.find(([candidate]) => candidate === name)?.[1]
}

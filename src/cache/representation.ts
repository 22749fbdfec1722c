/** Headers of an answer, by name. */
import type { HeaderList } from './records.ts'

/** The first value of a header, or null. `name` in lower case. */
export function headerValue(headers: HeaderList, name: string): string | null {
  for (const [candidate, value] of headers) if (candidate === name) return value
  return null
}

/** All values of a header, joined as RFC 9110 section 5.3 allows, or null. */
export function joinedHeader(headers: HeaderList, name: string): string | null {
  const values = headers.filter(([candidate]) => candidate === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}

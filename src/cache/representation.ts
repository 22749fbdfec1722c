/** Headers of an answer, by name. */
import type { HeaderList } from './records.ts'

/** The first value of a header, or null. `name` in lower case. */
export function headerValue(headers: HeaderList, name: string): string | null {
  for (const [candidate, value] of headers) if (candidate === name) return value
  return null
}

/** All values of a header, joined as RFC 9110 section 5.3 allows, or null. */
export function joinedHeader(headers: HeaderList, name: string): string | null {
  let joined: string | null = null
  for (const [candidate, value] of headers) {
    if (candidate === name) joined = joined === null ? value : `${joined}, ${value}`
  }
  return joined
}

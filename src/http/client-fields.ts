/** Fields that answers from a store and answers that pass have by the same rule. */
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import { type Readers, varyFor } from './cors-fields.ts'
import { CACHE_NAME } from './fields.ts'

export const VIA = `1.1 ${CACHE_NAME}`

const VARY = ['Authorization', 'X-Tenant-Id', 'X-Api-Version', 'Accept-Encoding']

/** A longer list is not taken apart: the answer then varies by anything (RFC 9110 section 12.5.5). */
const MAX_VARY_LENGTH = 1_024

/** What the answer of a cached resource varies by, the API's list included. */
export function varyOf(headers: HeaderList, readers: Readers): string {
  return withVary([...VARY, ...varyFor(readers)], headers)
}

/** @param own goes before what the API says */
export function withVary(own: readonly string[], headers: HeaderList): string {
  const upstream = joinedHeader(headers, 'vary')
  if (upstream === null) return own.join(', ')
  if (upstream.length > MAX_VARY_LENGTH) return '*'
  const known = new Set(own.map((name) => name.toLowerCase()))
  const more = upstream.split(',').map((name) => name.trim())
  return [...own, ...more.filter((name) => name !== '' && !known.has(name.toLowerCase()))].join(
    ', ',
  )
}

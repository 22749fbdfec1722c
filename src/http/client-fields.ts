/** Fields that answers from a store and answers that pass have by the same rule (docs/wire.md is their list). */
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import { CACHE_NAME } from './fields.ts'

export const VIA = `1.1 ${CACHE_NAME}`
/** The client may keep the body, and must ask before using it again: a cheap 304. */
export const CLIENT_MAY_REVALIDATE = 'private, no-cache'

const VARY = ['Authorization', 'X-Tenant-Id', 'X-Api-Version', 'Accept-Encoding']
const EXPOSED = 'Age, ETag, Cache-Status, Server-Timing, Retry-After, X-Request-Id, X-Api-Version'

/** A longer list is not taken apart: the answer then varies by anything (RFC 9110 section 12.5.5). */
const MAX_VARY_LENGTH = 1_024

export function varyOf(headers: HeaderList): string {
  const upstream = joinedHeader(headers, 'vary')
  if (upstream === null) return VARY.join(', ')
  if (upstream.length > MAX_VARY_LENGTH) return '*'
  const own = new Set(VARY.map((name) => name.toLowerCase()))
  const more = upstream.split(',').map((name) => name.trim())
  return [...VARY, ...more.filter((name) => name !== '' && !own.has(name.toLowerCase()))].join(', ')
}

export function exposedHeaders(headers: HeaderList): string[] {
  if (joinedHeader(headers, 'access-control-allow-origin') === null) return []
  const upstream = joinedHeader(headers, 'access-control-expose-headers')
  const exposed = upstream === null ? EXPOSED : `${upstream}, ${EXPOSED}`
  return ['Access-Control-Expose-Headers', exposed]
}

/**
 * `Cache-Status` (RFC 9211) from an outcome; its forms are those of `docs/cache-status.md`. One member for the whole
 * proxy, never `key`.
 */
import type { Outcome } from '../cache/outcome.ts'
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import { CACHE_NAME } from './fields.ts'
import { isStatusList } from './status-list.ts'

/** Null for answers that are made here: the problem document says why. */
export function cacheStatus(told: Outcome): string | null {
  if (told.kind === 'hit') return hitStatus(told)
  if (told.forward === null || told.kind === 'failed') return null
  let value = `${CACHE_NAME}; fwd=${told.forward}`
  if (told.forwardStatus !== null) value += `; fwd-status=${told.forwardStatus}`
  if (told.stored) value += '; stored'
  if (told.collapsed !== null) value += told.collapsed ? '; collapsed' : '; collapsed=?0'
  if (told.ttl !== null) value += `; ttl=${told.ttl}`
  if (told.detail !== null) value += `; detail=${told.detail}`
  return value
}

function hitStatus({ ttl, detail }: Outcome): string {
  return `${CACHE_NAME}; hit; ttl=${ttl}; detail=${detail}`
}

/**
 * The field with what caches behind this one say before it; what does not parse is replaced (RFC 9211 section 2).
 *
 * @param own null: nothing is added
 * @returns name and value, or nothing
 */
export function statusFields(received: HeaderList, own: string | null): string[] {
  const field = joinedHeader(received, 'cache-status')
  // guard: malformed-status
  const theirs = field !== null && isStatusList(field) ? field : null
  if (own === null) return theirs === null ? [] : ['Cache-Status', theirs]
  return ['Cache-Status', theirs === null ? own : `${theirs}, ${own}`]
}

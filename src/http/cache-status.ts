/**
 * `Cache-Status` (RFC 9211) from an outcome; its forms are those of wire.md. One member for the whole
 * proxy, never `key`.
 */
import type { Outcome } from '../cache/outcome.ts'
import { CACHE_NAME } from './fields.ts'

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

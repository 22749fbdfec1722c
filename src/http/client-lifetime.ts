/**
 * `Cache-Control` of an answer from a store, to its client: whether it may use its own copy without asking, and offline.
 * Never for longer than the copy is fresh here (RFC 9111 section 5.2.2, RFC 5861 section 4).
 */
import type { Outcome } from '../cache/outcome.ts'

/** Whole seconds; 0: none. */
export interface ClientLifetimes {
  readonly clientMaxAgeSeconds: number
  readonly clientStaleIfErrorSeconds: number
}

/** The client may keep the body, and must ask before using it again: a cheap 304. */
export const CLIENT_MAY_REVALIDATE = 'private, no-cache'

/** Whether it is the same for all answers. */
export function hasNoLifetime(lifetimes: ClientLifetimes): boolean {
  return lifetimes.clientMaxAgeSeconds === 0 && lifetimes.clientStaleIfErrorSeconds === 0
}

/** @param allowedStale seconds for which the API lets a client use it once it is stale */
export function clientControl(
  lifetimes: ClientLifetimes,
  allowedStale: number,
  { ttl }: Pick<Outcome, 'ttl'>,
): string {
  // What was not stored has no lifetime that would be known.
  if (ttl === null) return CLIENT_MAY_REVALIDATE
  // guard: client-lifetime
  const maxAge = Math.max(0, Math.min(lifetimes.clientMaxAgeSeconds, ttl))
  const stale = Math.min(lifetimes.clientStaleIfErrorSeconds, allowedStale)
  if (stale > 0) return `private, max-age=${maxAge}, stale-if-error=${stale}`
  return maxAge > 0 ? `private, max-age=${maxAge}` : CLIENT_MAY_REVALIDATE
}

/**
 * When a copy past its freshness may still be served (RFC 5861, RFC 9111 section 4.2.4). Pure.
 *
 * Past it by time, or by a soft purge; then too until the time that it had without one, and no longer.
 *
 * Three ways, each for the credential that holds the copy, and none past a known write: the fences must
 * hold, and nothing newer may be known. `staleUntil` of the copy says what the upstream allows.
 */
import type { RequestDirectives } from './cache-control.ts'
import type { Standing } from './entitlement.ts'
import { revalidateMs } from './kept-directives.ts'
import type { Representation } from './records.ts'

/** How long past its freshness a copy may be served. Milliseconds. */
export interface StaleLimits {
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
}

/** Stale while it is refreshed; stale since the client accepts it; stale since the upstream fails. */
export type StaleReason = 'swr' | 'max-stale' | 'sie'

/**
 * May it be served without asking the upstream first? To be asked only of a copy that has nothing wrong
 * with it but its age (verdict `refresh`, `stale`).
 *
 * @param now monotonic milliseconds
 */
export function staleWithoutAsking(
  copy: Representation,
  wanted: RequestDirectives,
  limits: StaleLimits,
  now: number,
): 'swr' | 'max-stale' | null {
  if (now >= copy.staleUntil || !mayBeStale(copy) || !isContentWithStale(wanted)) return null
  // Made stale by a soft purge, it may lie before its time.
  const past = Math.max(0, now - copy.freshUntil)
  // The API's own window holds where it is the smaller one.
  // guard: revalidate-window
  if (past < limits.staleWhileRevalidateMs && past < revalidateMs(copy.headers)) return 'swr'
  return wanted.maxStale !== null && past <= wanted.maxStale * 1000 ? 'max-stale' : null
}

/** The upstream allows it at all. */
function mayBeStale(copy: Representation): boolean {
  return copy.staleUntil > copy.freshUntil
}

/** What a client that names ages or asks for a refresh wants is something fresh, unless it says otherwise. */
function isContentWithStale(wanted: RequestDirectives): boolean {
  if (wanted.noCache || wanted.noStore || wanted.minFresh !== null) return false
  return wanted.maxAge === null || wanted.maxStale !== null
}

/**
 * What to serve now that the upstream has failed; null: nothing. Grant and admission count for so much
 * longer while they can't be renewed (`docs/choosing-lifetimes.md`).
 *
 * @param version the explicit version that was asked for; null: none
 * @param now monotonic milliseconds
 */
export function staleOnError(
  standing: Standing,
  version: string | null,
  wanted: RequestDirectives,
  limits: StaleLimits,
  now: number,
): Representation | null {
  const { representation: copy } = standing
  if (copy?.kind !== 'representation' || !standing.representationHolds) return null
  if (!isStillEntitled(standing, limits.staleIfErrorMs, now)) return null
  if (!isVersionInForce(standing, version)) return null
  const asked = wanted.staleIfError
  if (asked === null && !isContentWithStale(wanted)) return null
  const patience = Math.min(limits.staleIfErrorMs, asked === null ? Infinity : asked * 1000)
  const isFresh = now < copy.freshUntil && !standing.isMarked
  const until = Math.min(copy.staleUntil, copy.freshUntil + patience)
  const isYoung = until > copy.freshUntil && now < until
  return isFresh || isYoung ? copy : null
}

function isStillEntitled(standing: Standing, graceMs: number, now: number): boolean {
  const { grant, admission, holder } = standing
  if (grant?.kind !== 'grant' || grant.holder !== holder || !standing.grantHolds) return false
  if (admission?.holder !== holder || !standing.admissionHolds) return false
  // guard: stale-entitlement
  return now < grant.expiresAt + graceMs && now < admission.expiresAt + graceMs
}

/**
 * An explicit version names what it gets. Without one, what is known of the pin must not contradict; a
 * request that failed has left it unknown.
 */
function isVersionInForce({ grant, pinnedVersion }: Standing, version: string | null): boolean {
  if (version !== null || pinnedVersion === null) return true
  return grant?.kind === 'grant' && grant.version === pinnedVersion
}

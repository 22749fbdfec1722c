/**
 * From what is known to what is answered without asking the upstream, or after it has failed. Pure; the cache
 * answers by it, and the explanation (`explanation.ts`) foretells by it.
 */
import type { RequestDirectives } from './cache-control.ts'
import { judge, type Standing } from './entitlement.ts'
import { hit, type Tier } from './outcome.ts'
import { type Hit, type MissVerdict, staleServed } from './served.ts'
import { type StaleLimits, staleOnError, staleWithoutAsking } from './stale.ts'

export type Miss = { readonly kind: 'miss'; readonly verdict: MissVerdict }

/**
 * Fresh, or not at all.
 *
 * @param now monotonic milliseconds
 */
export function lookUp(
  standing: Standing,
  directives: RequestDirectives,
  tier: Tier,
  now: number,
): Hit | Miss {
  const verdict = judge(standing, directives, now)
  if (verdict.kind !== 'serve') return { kind: 'miss', verdict }
  const { representation } = verdict
  const age = Math.floor((now - representation.generatedAt) / 1000)
  const ttl = Math.floor((representation.freshUntil - now) / 1000)
  const told = hit(tier, age, ttl)
  return { kind: 'representation', representation, received: null, outcome: told }
}

/** What may be served although it is stale, before the upstream is asked; null: nothing. */
export function serveStale(
  { verdict }: Miss,
  directives: RequestDirectives,
  limits: StaleLimits,
  now: number,
): Hit | null {
  if (verdict.kind !== 'refresh' || verdict.stale === null) return null
  const why = staleWithoutAsking(verdict.stale, directives, limits, now)
  return why === null ? null : staleServed(verdict.stale, why, verdict.why === 'marked', now)
}

/**
 * The upstream has failed: what the credential holds may do for a while; null: nothing does.
 *
 * @param version the explicit version that was asked for; null: none
 */
export function spare(
  standing: Standing,
  version: string | null,
  directives: RequestDirectives,
  limits: StaleLimits,
  now: number,
): Hit | null {
  const copy = staleOnError(standing, version, directives, limits, now)
  return copy === null ? null : staleServed(copy, 'sie', standing.isMarked, now)
}

/** Whole seconds of freshness that an answer has left when it has just been stored. */
export function secondsLeft(freshUntil: number, now: number): number {
  return Math.max(0, Math.floor((freshUntil - now) / 1000))
}

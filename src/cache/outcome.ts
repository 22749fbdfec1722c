/**
 * The one record of what happened to a request. Header, log line and metric are all derived from it,
 * so they can't disagree. Every vocabulary is closed.
 */

import type { StaleReason } from './stale.ts'

export type OutcomeKind =
  /** Answered from a store; the upstream saw nothing. */
  | 'hit'
  /** The upstream was asked for this request, and the cache had a say in it. */
  | 'fill'
  /** Answered by what another request had asked the upstream for. */
  | 'follower'
  /** A cached route, but this request had to skip the cache. */
  | 'bypass'
  /** Traffic that the cache never sees. */
  | 'pass-through'
  /** Refused before anything was looked up or sent, or an `OPTIONS` that may go no further. */
  | 'refused'
  /** Only the store would do, and it had nothing (`only-if-cached`). */
  | 'not-cached'
  /** The upstream gave no valid answer in time. */
  | 'failed'

/** RFC 9211 section 2.2: why the request went forward. */
export type Forward =
  /** Nothing usable was found. Also when somebody else may read it: telling would leak who read what. */
  | 'uri-miss'
  /** The credential is entitled, and the copy was too old or overtaken by a write. */
  | 'stale'
  /** A fresh copy was there, and the request itself forbade it (`no-cache`, another version pin). */
  | 'request'
  | 'bypass'
  | 'method'

export type Tier = 'memory' | 'redis'

/** Why an answer was not stored. What follows is the same for all: it is answered, and forgotten. */
export type RejectReason =
  | 'status'
  | 'type'
  | 'body'
  | 'encoding'
  | 'no-store'
  | 'private'
  | 'no-cache'
  | 'cache-control'
  | 'expired'
  | 'set-cookie'
  | 'vary'
  | 'size'
  /** It has neither a length nor chunks, and came over TLS: nothing shows that it is whole. */
  | 'unproven'
  /** The effective version is not the one asked for, or the answer names none. */
  | 'version'
  /** A write was under way or ended in between. */
  | 'fence'
  /** Whether a write was under way can't be known: Redis, or the other processes, were out of reach. */
  | 'fences-unknown'
  /** A later answer has shown something else already. */
  | 'superseded'

/** Why a request on a cached route skipped the cache. */
export type BypassReason =
  /** A query: its meaning for the upstream is unknown. */
  | 'query'
  /** `Cache-Control: no-store` from the client: not stored, and answered by a copy of the last second at most. */
  | 'no-store'
  /** An operator has switched the cache off for the tenant. */
  | 'tenant-off'

export type Detail =
  | Tier
  | StaleReason
  | BypassReason
  | 'follower'
  /** A follower found an answer that can't be shared, and asked for itself. */
  | 'private'
  /** The credential last used another version upstream; a hit would hide the change of pin. */
  | 'version-pin'
  /** Not sent: the upstream has failed of late. */
  | 'breaker'
  /** Not sent: the tenant has too much under way, or was asked to wait. */
  | 'limited'
  | `reject.${RejectReason}`

export interface Outcome {
  readonly kind: OutcomeKind
  readonly tier: Tier | null
  readonly forward: Forward | null
  /** The upstream's status, where a stale copy was replaced. */
  readonly forwardStatus: number | null
  readonly detail: Detail | null
  readonly stored: boolean
  /** True: answered by another's fill. False: could have been, but its answer was not for sharing. */
  readonly collapsed: boolean | null
  /** Whole seconds of freshness left. */
  readonly ttl: number | null
  /** Whole seconds since the upstream made the body; only for what came out of a store. */
  readonly age: number | null
  /** The request that the upstream saw, when it was not this one. */
  readonly leaderRequestId: string | null
}

const NOTHING: Outcome = {
  kind: 'refused',
  tier: null,
  forward: null,
  forwardStatus: null,
  detail: null,
  stored: false,
  collapsed: null,
  ttl: null,
  age: null,
  leaderRequestId: null,
}

export const REFUSED: Outcome = NOTHING
export const NOT_CACHED: Outcome = { ...NOTHING, kind: 'not-cached' }

export function outcome(kind: OutcomeKind, fields: Partial<Omit<Outcome, 'kind'>>): Outcome {
  return { ...NOTHING, ...fields, kind }
}

/** A read of a tenant whose cache is off. */
export const TENANT_OFF = outcome('bypass', { forward: 'bypass', detail: 'tenant-off' })

/** A read whose answer the client forbids to store. */
export const NOT_TO_STORE = outcome('bypass', { forward: 'request', detail: 'no-store' })

/** @param age @param ttl whole seconds */
export function hit(tier: Tier, age: number, ttl: number): Outcome {
  return {
    kind: 'hit',
    tier,
    forward: null,
    forwardStatus: null,
    detail: tier,
    stored: false,
    collapsed: null,
    ttl,
    age,
    leaderRequestId: null,
  }
}

/** @param age @param ttl whole seconds; the latter is negative, or little */
export function staleHit(why: StaleReason, age: number, ttl: number): Outcome {
  return { ...hit('memory', age, ttl), detail: why }
}

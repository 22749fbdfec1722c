/**
 * What an operator is told of the next read of a credential: what was found on the way through the tiers, and what
 * follows. Pure. Names, digests, fences and their values are told as short hashes, which are enough to compare
 * them by.
 */
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Sharing, Standing } from './entitlement.ts'
import {
  type ExplainedFence,
  type ExplainedRecords,
  fenceOf,
  recordsOf,
  short,
  whole,
} from './explained-records.ts'
import type { FenceSight } from './fence.ts'
import type { HeaderChange } from './header-changes.ts'
import { type Key, representationKey } from './key.ts'
import type { Reject } from './last-rejects.ts'
import { lookUp, serveStale } from './lookup.ts'
import type { RejectReason } from './outcome.ts'
import {
  type Findings,
  type Prediction,
  predict,
  predictServedByRedis,
  type RedisState,
  UNREACHABLE,
} from './prediction.ts'
import { type LookupReason, type Meaning, meaningOf } from './reasons.ts'
import type { Failure } from './served.ts'

/** How it is known that the records found are those of the credential's own token. */
export type HolderProof =
  /** This instance has seen the token of late. */
  | 'proved'
  /** Taken from the records: they bear the proof of one token, and only a request can show that it is its own. */
  | 'assumed'
  /** There is no record that bears one. */
  | 'none'

/** What does not bear on the prediction, and is told beside it. */
export interface Traits {
  readonly keys: { readonly view: Key; readonly grant: Key; readonly admission: Key }
  /** As in a representation's key. */
  readonly scope: string
  readonly proof: HolderProof
  readonly sharing: { readonly configured: Sharing; readonly inForce: Sharing }
  readonly sight: (name: Key) => FenceSight
  /** As they would be known once the shared tier had been read. */
  readonly sightAfter: (name: Key) => FenceSight
  /** Those that a fill starts under. */
  readonly fences: readonly Key[]
  readonly mayJoin: boolean
  readonly ttlJitter: number
  readonly lastReject: Reject | null
  readonly lastHeaderChange: HeaderChange | null
}

/** The verdict of one look. */
export interface ExplainedLook extends ExplainedRecords {
  readonly verdict: 'serve' | 'refresh' | 'ask'
  readonly reason: LookupReason
  readonly meaning: string
  readonly remedy: string
}

export interface Explanation {
  readonly prediction: Prediction
  /** The other way that it may go; null: there is none. */
  readonly alternative: Prediction | null
  readonly ifUpstreamFails: Prediction
  readonly memory: ExplainedLook
  readonly redis: { readonly state: RedisState } & Meaning & {
      readonly brought: ExplainedLook | null
    }
  readonly upstream: {
    /** Why it would not be sent; null: it would. */
    readonly refusal: Failure | null
    readonly retryAfterMs: number | null
    readonly isOverloaded: boolean
    /** An operator has switched the cache off for the tenant: its reads skip it. */
    readonly isOff: boolean
    /** Waited for in place of asking. */
    readonly follows: 'refresh' | 'fill' | 'elsewhere' | null
  }
  readonly keys: {
    readonly view: string
    readonly grant: string
    readonly admission: string
    readonly representation: string | null
  }
  readonly fences: readonly ExplainedFence[]
  readonly versionPin: {
    /** The version that the credential last used upstream; null: not known. */
    readonly known: string | null
    /** False: requests of different versions are under way, and each is sent by itself. */
    readonly mayJoin: boolean
  }
  readonly sharing: {
    readonly configured: Sharing
    readonly inForce: Sharing
    /** Two views have shown themselves in the tenant, which for an hour shares freshness only. */
    readonly isTripped: boolean
  }
  readonly holder: HolderProof
  readonly lifetime: { readonly ttlMs: number; readonly ttlJitter: number }
  readonly lastReject:
    | ({ readonly reason: RejectReason } & Meaning & {
          readonly status: number
          readonly agoMs: number
        })
    | null
  /** The body was the same as that of the copy before, and these headers were not. */
  readonly lastHeaderChange: { readonly names: readonly string[]; readonly agoMs: number } | null
}

export function explain(found: Findings, traits: Traits): Explanation {
  const { standing, now, redis, brought, refusal } = found
  const { keys, sharing } = traits
  return {
    prediction: predict(found),
    alternative: predictServedByRedis(found),
    ifUpstreamFails: predict(found, UNREACHABLE),
    memory: look(found, standing, traits.sight),
    redis: {
      state: redis,
      ...meaningOf('redis', redis),
      brought: brought === null ? null : look(found, brought, traits.sightAfter),
    },
    upstream: {
      refusal: refusal === null ? null : refusal.kind,
      retryAfterMs: retryAfterOf(refusal),
      isOverloaded: found.isOverloaded,
      isOff: found.isOff,
      follows: followsOf(found),
    },
    keys: {
      view: short(keys.view),
      grant: short(keys.grant),
      admission: short(keys.admission),
      representation: representationName(standing, traits),
    },
    fences: traits.fences.map((name) => fenceOf(traits.sight(name), undefined)),
    versionPin: { known: standing.pinnedVersion, mayJoin: traits.mayJoin },
    sharing: { ...sharing, isTripped: sharing.inForce !== sharing.configured },
    holder: traits.proof,
    lifetime: { ttlMs: found.ttlMs, ttlJitter: traits.ttlJitter },
    lastReject: rejectOf(traits.lastReject, now),
    lastHeaderChange: headerChangeOf(traits.lastHeaderChange, now),
  }
}

function followsOf({ underWay }: Findings): Explanation['upstream']['follows'] {
  if (underWay.refresh !== null) return 'refresh'
  if (underWay.fill !== null) return 'fill'
  return underWay.isElsewhere ? 'elsewhere' : null
}

function retryAfterOf(refusal: Findings['refusal']): number | null {
  const known = refusal !== null && 'retryAfterMs' in refusal ? refusal.retryAfterMs : undefined
  return known === undefined ? null : Math.ceil(known)
}

function rejectOf(reject: Reject | null, now: number): Explanation['lastReject'] {
  if (reject === null) return null
  const { reason, status, at } = reject
  return { reason, ...meaningOf('reject', reason), status, agoMs: whole(now - at) }
}

function headerChangeOf(change: HeaderChange | null, now: number): Explanation['lastHeaderChange'] {
  return change === null ? null : { names: change.names, agoMs: whole(now - change.at) }
}

function look(found: Findings, standing: Standing, sight: Traits['sight']): ExplainedLook {
  const { now, limits } = found
  const looked = lookUp(standing, NO_DIRECTIVES, 'memory', now)
  const records = recordsOf(standing, now, sight)
  if (looked.kind !== 'miss') {
    return { verdict: 'serve', reason: 'fresh', ...meaningOf('lookup', 'fresh'), ...records }
  }
  const { verdict } = looked
  if (serveStale(looked, NO_DIRECTIVES, limits, now) !== null) {
    return { verdict: 'serve', reason: 'swr', ...meaningOf('lookup', 'swr'), ...records }
  }
  const reason = verdict.kind === 'ask' ? verdict.reason : verdict.why
  return { verdict: verdict.kind, reason, ...meaningOf('lookup', reason), ...records }
}

function representationName({ grant }: Standing, { keys, scope }: Traits): string | null {
  return grant?.kind === 'grant' ? short(representationKey(keys.view, scope, grant.digest)) : null
}

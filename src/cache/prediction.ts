/**
 * What the next plain read of a credential would be answered with. Pure, and made of the functions by which the
 * cache answers (`lookup.ts`, `served.ts`): there is no second copy of a rule that could say otherwise.
 */
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Leader } from './coalesce.ts'
import type { Standing } from './entitlement.ts'
import { lookUp, type Miss, secondsLeft, serveStale, spare } from './lookup.ts'
import { hit, type Outcome, REFUSED, type RejectReason, TENANT_OFF } from './outcome.ts'
import type { UpstreamAnswer, UpstreamFailure } from './ports.ts'
import {
  type Failure,
  followed,
  hasFailed,
  type Landing,
  type MissVerdict,
  type Served,
  serve,
} from './served.ts'
import type { StaleLimits } from './stale.ts'

/** What the upstream is taken to answer, if it is asked. */
export type AssumedAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** Why policy would not store it; null: it would. */
      readonly rejected: RejectReason | null
      /** From the request's leaving to its being stored. */
      readonly takesMs: number
    }
  | UpstreamFailure

/** 200, with something that may be stored, and that names no other parent than the last answer did. */
export const STORABLE = {
  kind: 'answer',
  status: 200,
  rejected: null,
  takesMs: 100,
} as const satisfies AssumedAnswer
export const UNREACHABLE: AssumedAnswer = {
  kind: 'unreachable',
  cause: 'refused',
  wasSent: false,
}

/** What the second tier has to do with it. */
export type RedisState =
  /** There is no Redis. */
  | 'not-configured'
  /** Memory decides: it serves, or no other instance can know better. */
  | 'not-asked'
  /** Redis does not answer, or what it holds is not believed yet after an outage. */
  | 'not-usable'
  /** It has neither a grant nor an admission of this credential. */
  | 'nothing'
  /** It has some; only a request with the token can open it. */
  | 'sealed'
  /** It has some, and this instance remembers the token: what it says was taken into account. */
  | 'opened'

/** On what a prediction rests. */
export type Assumption =
  /** On nothing but what is known here and now. */
  | 'nothing'
  /** The upstream answers 200 within a moment, with something that may be stored, and nothing shortens its life. */
  | 'answered'
  /** The request that is under way brings what this one may share. */
  | 'landing'
  /** The upstream gives no answer. */
  | 'failing'
  /** What Redis has under seal lets this credential be served. */
  | 'redis-serves'
  /** What Redis has under seal does not help. */
  | 'redis-does-not-serve'

/** Everything that bears on the next read. Plain values; the caller has looked them up at one moment. */
export interface Findings {
  /** Monotonic milliseconds. */
  readonly now: number
  /** The explicit version; null: none is asked for. */
  readonly version: string | null
  /** By memory alone. */
  readonly standing: Standing
  readonly redis: RedisState
  /** With what Redis would bring; null: it brings nothing, or that can't be told. */
  readonly brought: Standing | null
  readonly limits: StaleLimits
  readonly ttlMs: number
  /** The requests to the upstream that this one would wait for. */
  readonly underWay: UnderWay
  /** The parent that the record was last seen with; null: none. The next answer is taken to name the same. */
  readonly parent: string | null
  /** A write to the record, its tenant or that parent is under way: nothing is stored. */
  readonly isWritePending: boolean
  /** What others change is heard. */
  readonly isInTouch: boolean
  /** What a request to the upstream would be refused with, unsent; null: it would be sent. */
  readonly refusal: UpstreamFailure | null
  /** The process is short of time or memory, and answers from memory only. */
  readonly isOverloaded: boolean
  /** An operator has switched the cache off for the tenant. */
  readonly isOff: boolean
}

export interface UnderWay {
  /** For the same bytes, whoever asked. */
  readonly refresh: Leader | null
  /** For the same view, by the same credential. */
  readonly fill: Leader | null
  /** By another instance, on behalf of all. */
  readonly isElsewhere: boolean
}

export interface Prediction {
  readonly outcome: Outcome
  /** What would be answered in place of a body; null: a body is. */
  readonly problem: Failure | 'overloaded' | null
  readonly assumes: Assumption
}

export function predict(found: Findings, assumed: AssumedAnswer = STORABLE): Prediction {
  const { standing, limits, now } = found
  if (found.isOff) return past(found, assumed)
  const inMemory = lookUp(standing, NO_DIRECTIVES, 'memory', now)
  if (inMemory.kind !== 'miss') return from(inMemory, 'nothing')
  const stale = serveStale(inMemory, NO_DIRECTIVES, limits, now)
  if (stale !== null) return from(stale, 'nothing')
  if (found.isOverloaded) return { outcome: REFUSED, problem: 'overloaded', assumes: 'nothing' }
  if (found.redis === 'sealed') {
    return { ...forward(found, inMemory, assumed), assumes: 'redis-does-not-serve' }
  }
  const again =
    found.brought === null ? inMemory : lookUp(found.brought, NO_DIRECTIVES, 'redis', now)
  return again.kind === 'miss' ? forward(found, again, assumed) : from(again, 'nothing')
}

/** The other way that it may go, where what Redis has is under seal; null: there is none. */
export function predictServedByRedis(found: Findings): Prediction | null {
  const { redis, isOverloaded, standing, limits, now } = found
  if (redis !== 'sealed' || isOverloaded || found.isOff) return null
  const inMemory = lookUp(standing, NO_DIRECTIVES, 'memory', now)
  if (inMemory.kind !== 'miss' || serveStale(inMemory, NO_DIRECTIVES, limits, now)) return null
  // How old it is can't be told without the seal.
  const outcome = { ...hit('redis', 0, 0), age: null, ttl: null }
  return { outcome, problem: null, assumes: 'redis-serves' }
}

/** It skips the cache, and the guards of the upstream with it. */
function past({ isOverloaded }: Findings, assumed: AssumedAnswer): Prediction {
  if (isOverloaded) return { outcome: REFUSED, problem: 'overloaded', assumes: 'nothing' }
  if (assumed.kind === 'answer') return { outcome: TENANT_OFF, problem: null, assumes: 'nothing' }
  return { outcome: REFUSED, problem: assumed.kind, assumes: 'failing' }
}

/** It goes to the upstream, or waits for what has gone there. */
function forward(found: Findings, { verdict }: Miss, assumed: AssumedAnswer): Prediction {
  const { underWay, refusal, limits, now, version } = found
  const leader = underWay.refresh ?? underWay.fill
  if (leader === null && underWay.isElsewhere && assumed.kind === 'answer')
    return fromElsewhere(found)
  const answer = leader === null && refusal !== null ? refusal : assumed
  const served = landed(found, verdict, answer, leader)
  const told = served.kind === 'failure' ? served.failure : null
  const assumes = assumptionOf(answer, leader, refusal)
  if (!hasFailed(served)) return { outcome: served.outcome, problem: told, assumes }
  const copy = spare(found.brought ?? found.standing, version, NO_DIRECTIVES, limits, now)
  return copy === null ? { outcome: served.outcome, problem: told, assumes } : from(copy, assumes)
}

/** What the other instance brings, this one finds in the shared tier. */
function fromElsewhere({ now, ttlMs }: Findings): Prediction {
  const ttl = secondsLeft(now + ttlMs, now + STORABLE.takesMs)
  return { outcome: hit('redis', 0, ttl), problem: null, assumes: 'landing' }
}

function assumptionOf(
  answer: AssumedAnswer,
  leader: Leader | null,
  refusal: UpstreamFailure | null,
): Assumption {
  if (answer === refusal) return 'nothing'
  if (answer.kind !== 'answer') return 'failing'
  return leader === null ? 'answered' : 'landing'
}

function landed(
  found: Findings,
  verdict: MissVerdict,
  assumed: AssumedAnswer,
  leader: Leader | null,
): Served {
  const landing = landingOf(found, assumed)
  // Whoever waits for a refresh of the bytes it holds is served by its own right to them.
  const isShared = leader !== null && leader === found.underWay.refresh && assumed.kind === 'answer'
  const served = serve(verdict, landing, leader)
  return isShared ? { ...served, outcome: followed(verdict, leader.requestId) } : served
}

function landingOf(found: Findings, assumed: AssumedAnswer): Landing {
  const { ttlMs, now } = found
  const shared = Promise.resolve()
  if (assumed.kind !== 'answer') {
    return { answer: assumed, kept: { representation: null, rejected: null, shared }, ttl: null }
  }
  const { status, takesMs } = assumed
  const rejected = assumed.rejected ?? (found.isWritePending ? overtaken(found) : null)
  const answer: UpstreamAnswer = {
    kind: 'buffered',
    status,
    reason: '',
    headers: [],
    body: Buffer.alloc(0),
    sentAt: now,
  }
  const ttl = rejected === null ? secondsLeft(now + ttlMs, now + takesMs) : null
  return { answer, kept: { representation: null, rejected, shared }, ttl }
}

function overtaken({ isInTouch }: Findings): RejectReason {
  return isInTouch ? 'fence' : 'fences-unknown'
}

function from({ outcome }: { readonly outcome: Outcome }, assumes: Assumption): Prediction {
  return { outcome, problem: null, assumes }
}

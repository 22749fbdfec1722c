/**
 * From what a fill has brought to what the client is answered with, and the outcome that tells of it.
 * Pure.
 */
import type { Leader } from './coalesce.ts'
import type { AskReason, Verdict } from './entitlement.ts'
import type { Kept } from './fill.ts'
import { type Detail, type Forward, type Outcome, outcome, staleHit } from './outcome.ts'
import {
  type BufferedAnswer,
  isUnsent,
  type StreamedAnswer,
  type UpstreamAnswer,
  type UpstreamCause,
  type UpstreamFailure,
} from './ports.ts'
import type { HeaderList, Representation } from './records.ts'
import type { StaleReason } from './stale.ts'

export type Failure = UpstreamFailure['kind'] | 'not-cached'

/** There is nothing to serve. */
export interface FailedRead {
  readonly failure: Failure
  /** Milliseconds after which it may be tried again; null: not known. */
  readonly retryAfterMs: number | null
  /** Null: the upstream was not asked. */
  readonly cause: UpstreamCause | null
  /** False: not a byte has left for the upstream, by this request or the one that it has joined. */
  readonly wasSent: boolean
}

/** What the client is to be answered with. */
export type Served =
  | {
      readonly kind: 'representation'
      readonly representation: Representation
      /** Headers of the answer that the API gave to this request; null: it is out of a store, or another's. */
      readonly received: HeaderList | null
      readonly outcome: Outcome
    }
  /** An answer of the upstream that makes no representation: relayed as it is. */
  | {
      readonly kind: 'answer'
      readonly answer: BufferedAnswer | StreamedAnswer
      readonly outcome: Outcome
    }
  | (FailedRead & { readonly kind: 'failure'; readonly outcome: Outcome })

export type Hit = Extract<Served, { kind: 'representation' }>

/** Why the look-up did not serve. */
export type MissVerdict = Exclude<Verdict, { kind: 'serve' }>

/** What a fill has brought: the upstream's answer, and what was kept of it. */
export interface Landing {
  readonly answer: UpstreamAnswer
  readonly kept: Kept
  /** Whole seconds that it stays fresh; null: it was not stored. */
  readonly ttl: number | null
}

/** What only the store could have answered. */
export function notCached(outcome: Outcome): Served {
  const failed = { failure: 'not-cached', retryAfterMs: null, cause: null, wasSent: false } as const
  return { kind: 'failure', ...failed, outcome }
}

const DETAIL_OF_FAILURE: Readonly<Record<UpstreamFailure['kind'], Detail | null>> = {
  unreachable: null,
  timeout: null,
  paused: 'breaker',
  limited: 'limited',
}

/** Whether it is an answer of the upstream at all. */
export function isFailure(answer: UpstreamAnswer): answer is UpstreamFailure {
  return answer.kind !== 'buffered' && answer.kind !== 'streamed'
}

/**
 * Whether a request that has waited may be answered by it: only by what a later hit could be answered by (RFC 9111
 * section 4). That the upstream can't be reached is no answer of its own, and true for all.
 */
export function isShareable({ answer, kept }: Landing): boolean {
  if (isFailure(answer)) return true
  // guard: shareable-answers
  return kept.representation !== null && kept.rejected !== 'superseded'
}

/**
 * @param flight the flight that was joined; null when the request asked the upstream itself
 * @param collapsed false when it found a flight that it could not share
 */
export function serve(
  verdict: MissVerdict,
  landing: Landing,
  flight: Leader | null,
  collapsed: false | null = null,
): Served {
  const { answer, kept } = landing
  if (isFailure(answer)) {
    const detail = DETAIL_OF_FAILURE[answer.kind]
    const told = outcome('failed', { forward: forwardOf(verdict), detail })
    return {
      kind: 'failure',
      failure: answer.kind,
      retryAfterMs: 'retryAfterMs' in answer ? answer.retryAfterMs : null,
      cause: 'cause' in answer ? answer.cause : null,
      wasSent: !isUnsent(answer),
      outcome: told,
    }
  }
  const told =
    flight === null
      ? filled(verdict, landing, answer.status, collapsed)
      : followed(verdict, flight.requestId)
  const { representation } = kept
  if (representation === null) return { kind: 'answer', answer, outcome: told }
  const received = flight === null ? answer.headers : null
  return { kind: 'representation', representation, received, outcome: told }
}

function filled(
  verdict: MissVerdict,
  { kept, ttl }: Landing,
  status: number,
  collapsed: false | null,
): Outcome {
  const forward = forwardOf(verdict)
  return outcome('fill', {
    forward,
    forwardStatus: forward === 'stale' ? status : null,
    stored: ttl !== null,
    ttl,
    collapsed,
    detail: detailOf(verdict, kept, collapsed),
  })
}

function detailOf(verdict: MissVerdict, kept: Kept, collapsed: false | null): Detail | null {
  if (kept.rejected !== null) return `reject.${kept.rejected}`
  if (collapsed === false) return 'private'
  return verdict.kind === 'ask' && verdict.reason === 'version-pin' ? 'version-pin' : null
}

/** Answered by what another request had asked for; that one's id goes to the log. */
export function followed(verdict: MissVerdict, leaderRequestId: string): Outcome {
  const forward = forwardOf(verdict)
  return outcome('follower', { forward, collapsed: true, detail: 'follower', leaderRequestId })
}

const FORWARD_OF_ASK: Readonly<Record<AskReason, Forward>> = {
  // Never another word for "others may read this": that would tell who has read what.
  'no-grant': 'uri-miss',
  withdrawn: 'uri-miss',
  'grant-lapsed': 'uri-miss',
  'not-admitted': 'uri-miss',
  fence: 'stale',
  superseded: 'stale',
  'version-pin': 'request',
}

function forwardOf(verdict: MissVerdict): Forward {
  if (verdict.kind === 'ask') return FORWARD_OF_ASK[verdict.reason]
  if (verdict.why === 'missing') return 'uri-miss'
  return verdict.why === 'marked' ? 'stale' : verdict.why
}

/**
 * @param isMarked a soft purge has ended its freshness, when is not known here: told as one second ago
 * @param now monotonic milliseconds
 */
export function staleServed(
  representation: Representation,
  why: StaleReason,
  isMarked: boolean,
  now: number,
): Hit {
  const age = Math.floor((now - representation.generatedAt) / 1000)
  const left = Math.floor((representation.freshUntil - now) / 1000)
  const ttl = isMarked ? Math.min(left, -1) : left
  const told = staleHit(why, age, ttl)
  return { kind: 'representation', representation, received: null, outcome: told }
}

/** RFC 5861 section 4: what counts as an error of the upstream; and 429, which gives no more to read. */
const ERROR_STATUSES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

export function isErrorStatus(status: number): boolean {
  return ERROR_STATUSES.has(status)
}

/** Whether the upstream was asked and gave nothing that is of use to anyone. */
export function hasFailed(served: Served): boolean {
  if (served.kind === 'failure') return served.failure !== 'not-cached'
  return served.kind === 'answer' && isErrorStatus(served.answer.status)
}

/** Gives up an answer that nobody will read. */
export function discard(served: Served): void {
  if (served.kind === 'answer' && served.answer.kind === 'streamed') served.answer.stream.destroy()
}

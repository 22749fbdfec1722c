/** How a passage ends: what its client is told, and what is reported of it. */
import type { Outcome } from '../cache/outcome.ts'
import type { UpstreamCause } from '../cache/ports.ts'
import type { Report, Reporter } from '../cache/report.ts'
import type { Clock } from '../lib/clock.ts'
import { UpstreamFailed } from '../upstream/faults.ts'
import { InvalidAnswer } from '../upstream/given-up.ts'
import { ContentBrokenOff, ContentTooLarge } from './content.ts'
import type { Cors } from './cors.ts'
import type { PassedAnswer } from './forward.ts'
import { reportedMethod } from './methods.ts'
import type { Passage } from './passage.ts'
import { ClientGone, HELD_BACK_RETRY_MS, HeldBack, PlaceTooLate } from './passing-place.ts'
import type { ProblemCode } from './problems.ts'
import type { ExchangeFacts, Target } from './relayed-answer.ts'
import { endRequest } from './request-traces.ts'
import { forwardTiming } from './server-timing.ts'
import { WriteLimitReached } from './write-limit.ts'

/** What the client is told of the error that `conduct` rejected with. */
export function problemOf(error: unknown): ProblemCode {
  if (error instanceof ContentTooLarge) return 'content_too_large'
  if (error instanceof HeldBack) return 'tenant_limit'
  if (error instanceof WriteLimitReached) return 'write_limit'
  if (error instanceof ClientGone || error instanceof ContentBrokenOff) return 'client_gone'
  if (error instanceof PlaceTooLate) return 'upstream_timeout'
  if (error instanceof InvalidAnswer) return 'upstream_unreachable'
  if (!(error instanceof UpstreamFailed)) return 'internal_error'
  return error.kind === 'timeout' ? 'upstream_timeout' : 'upstream_unreachable'
}

/** Why the upstream gave no answer; null: it did, or was not asked. */
export function causeOf(error: unknown): UpstreamCause | null {
  if (error instanceof UpstreamFailed) return error.why
  if (error instanceof InvalidAnswer) return 'bad-http'
  return error instanceof PlaceTooLate ? 'queue-timeout' : null
}

/** When to try again, in milliseconds, what `conduct` rejected with `error`; null: it is not known. */
export function retryAfterOf(error: unknown): number | null {
  if (error instanceof WriteLimitReached) return error.retryAfterMs
  return error instanceof HeldBack ? HELD_BACK_RETRY_MS : null
}

export interface FactsDependencies {
  readonly cors: Cors
  readonly clock: Clock
  /** Whether clients are told where the time goes. */
  readonly isTimed: boolean
}

/** What is told of a passage that was answered, beside its outcome. */
export function factsOf(
  { head, startedAt }: Passage,
  { upstreamMs }: PassedAnswer,
  { cors, clock, isTimed }: FactsDependencies,
): ExchangeFacts {
  const timing = isTimed ? forwardTiming(upstreamMs, clock.monotonic() - startedAt) : null
  return { readers: cors.readersFor(head), timing }
}

export function targetOf({ read, isCached }: Passage): Target {
  return { isCachedRead: read !== null, isCached }
}

/** That its client has left is no failure of what it asked. */
function reportedOutcome(outcome: Outcome, problem: ProblemCode | null): Outcome {
  if (problem === null || problem === 'client_gone') return outcome
  const isLimited = problem === 'tenant_limit' || problem === 'write_limit'
  const detail = isLimited ? 'limited' : outcome.detail
  return { ...outcome, kind: 'failed', detail }
}

export interface FailedPassage {
  readonly code: ProblemCode
  readonly cause: UpstreamCause | null
}

/** Reports a passage that has come to its end. @param failed null: it was answered */
export function reportPassage(
  { head, outcome, route, span, startedAt, client }: Passage,
  status: number,
  failed: FailedPassage | null,
  { reporter, clock }: { readonly reporter: Reporter; readonly clock: Clock },
): void {
  const problem = failed?.code ?? null
  const report: Report = {
    outcome: reportedOutcome(outcome, problem),
    status,
    method: reportedMethod(head.method),
    route,
    tenant: head.tenant,
    requestId: head.requestId,
    traceId: span.context.traceId,
    problem,
    cause: failed?.cause ?? null,
    durationMs: clock.monotonic() - startedAt,
    client,
  }
  reporter.finished(report)
  endRequest(span, report)
}

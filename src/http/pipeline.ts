/**
 * The way of a request: READ FIRST. Then `cache/cache.ts`.
 *
 *   socket ─▶ 1 validate ─▶ 2 plan ──┬─ cached read ─▶ 3 memory ─hit────────────▶ respond
 *                │ 4xx      │ 4xx    │                   │miss
 *                ▼          ▼        │                4 read: Redis, coalesce, fetch, policy, store ─▶ respond
 *             problem    problem     ├─ known preflight, OPTIONS that goes no further ──▶ respond
 *                                    └─ everything else ─▶ 5 pass through (a write? invalidate) ─▶ respond
 *
 * `docs/request-lifecycle.md` tells the same with the status that each step may answer.
 */
import type { Credentials } from '../auth/credentials.ts'
import { type Outcome, outcome, REFUSED } from '../cache/outcome.ts'
import type { UpstreamCause } from '../cache/ports.ts'
import { MeasuredTimes, UNTIMED } from '../cache/read-times.ts'
import { noteLookup } from '../cache/read-trace.ts'
import type { Report } from '../cache/report.ts'
import type { ReadRequest } from '../cache/request.ts'
import type { Served } from '../cache/served.ts'
import type { TenantSwitch } from '../cache/tenant-switch.ts'
import type { Span } from '../lib/tracer.ts'
import type { ClientLifetimes } from './client-lifetime.ts'
import type { Asking } from './cors.ts'
import type { Exchange } from './exchange.ts'
import { reportedMethod } from './methods.ts'
import { optionsAnswer } from './options-answer.ts'
import { type PassPlan, type Plan, Planner } from './plan.ts'
import type { ProblemCode } from './problems.ts'
import { problemOf } from './read-failures.ts'
import { CACHED_READ, relayable, relayedAnswer } from './relayed-answer.ts'
import { endRequest } from './request-traces.ts'
import { secondsToWait } from './retry-after.ts'
import { readTiming } from './server-timing.ts'
import { StoredAnswers } from './stored-answer.ts'
import { UpstreamReads, type UpstreamReadsDependencies } from './upstream-reads.ts'
import { type RequestHead, type TraceFields, validate } from './validate.ts'

export interface PipelineDependencies extends UpstreamReadsDependencies {
  readonly credentials: Credentials
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** The process is short of time or memory: only what costs next to nothing is answered. */
  readonly isOverloaded: () => boolean
  readonly maxRequestBytes: number
  readonly clientLifetimes: ClientLifetimes
  /** Whether clients are told where the time goes. */
  readonly isTimed: boolean
  /** Whether reports name the clients' addresses. */
  readonly reportsClients: boolean
  readonly tenants: Pick<TenantSwitch, 'isOff'>
}

/** A request whose head has passed, on its way to the upstream. */
interface Arriving {
  readonly exchange: Exchange
  readonly head: RequestHead
  readonly startedAt: number
}

/** A cached read on its way. */
interface Reading extends Arriving {
  readonly request: ReadRequest
  /** Null: nobody hears of its trace. */
  readonly span: Span | null
  /** Milliseconds that the look into memory took. */
  readonly lookupMs: number
  /** Null: memory had it, or nobody wants to know. */
  readonly times: MeasuredTimes | null
}

/** A request that comes no further. */
interface Refusal {
  readonly exchange: Exchange
  readonly head: TraceFields & Asking & { readonly requestId: string }
  readonly startedAt: number
  /** Undefined: not begun yet. */
  readonly span?: Span
  /** Whether a byte of it may have left for the API; left out: none has. */
  readonly wasSent?: boolean
}

/** A preflight that is answered without the API. */
const PREFLIGHT = outcome('pass-through', {})
/** When one that was shed may come again. */
const OVERLOADED_RETRY_MS = 2_000

export class Pipeline {
  readonly #deps: PipelineDependencies
  readonly #planner: Planner
  readonly #reads: UpstreamReads
  readonly #stored: StoredAnswers

  constructor(dependencies: PipelineDependencies) {
    this.#deps = dependencies
    this.#planner = new Planner(dependencies.credentials, dependencies.pins)
    this.#reads = new UpstreamReads(dependencies)
    this.#stored = new StoredAnswers(dependencies.clientLifetimes)
  }

  /** Any request, from its first step. */
  handle(exchange: Exchange): void {
    const { clock, newRequestId, maxRequestBytes } = this.#deps
    const startedAt = clock.monotonic()
    // 1. Validate: what is doubtful goes no further.
    const checked = validate(exchange.raw, newRequestId, maxRequestBytes)
    if (checked.kind === 'ok') this.proceed(exchange, checked.head, startedAt)
    else {
      const { code } = checked
      this.#refuse({ exchange, head: checked, startedAt }, code)
    }
  }

  /**
   * A request that has passed the validator.
   *
   * @param startedAt when it arrived, in monotonic milliseconds
   */
  proceed(exchange: Exchange, head: RequestHead, startedAt: number): void {
    // 2. Plan: a cached read, or something that passes through.
    const plan = this.#planFor(head)
    if (plan.kind === 'read') {
      this.#readCached(exchange, head, plan.request, startedAt)
    } else if (plan.kind === 'refuse') {
      this.#refuse({ exchange, head, startedAt }, plan.code)
    } else if (plan.kind === 'answer-here') {
      this.#answerHere({ exchange, head, startedAt })
    } else if (
      !this.#isPermitted({ exchange, head, startedAt }, plan) &&
      !this.#isShed(exchange, head, startedAt)
    ) {
      // 5. Everything else passes through.
      this.#passOn({ exchange, head, startedAt }, plan)
    }
  }

  /** Whether a tenant is switched off may change at any time: it is no part of a plan that is kept. */
  #planFor(head: RequestHead): Plan {
    const plan = this.#planner.planFor(head)
    const isOff = plan.kind === 'read' && this.#deps.tenants.isOff(plan.request.view.tenant)
    return isOff ? this.#planner.planPast(head, plan.request) : plan
  }

  #readCached(
    exchange: Exchange,
    head: RequestHead,
    request: ReadRequest,
    startedAt: number,
  ): void {
    const { cache, clock, reporter, traces } = this.#deps
    const { route } = request.view
    // 3. Memory: a hit is answered before this function returns.
    const found = cache.lookup(request, startedAt)
    const lookupMs = clock.monotonic() - startedAt
    reporter.lookedUp(lookupMs)
    if (found.kind === 'miss') {
      if (this.#isShed(exchange, head, startedAt)) return
      const span = traces.begin(head, head.method, route, startedAt)
      noteLookup(span, 'memory', found)
      const times = this.#deps.isTimed ? new MeasuredTimes(clock) : null
      void this.#read({ exchange, head, request, startedAt, span, lookupMs, times })
    } else {
      const span = traces.beginHit(head, route, startedAt)
      if (span !== null) noteLookup(span, 'memory', found)
      const reading = { exchange, head, request, startedAt, span, lookupMs, times: null }
      this.#respond(reading, found)
      if (found.outcome.detail === 'swr') void this.#reads.refresh(request, head, span)
    }
  }

  /** 4. The asynchronous read: the tier that instances share, coalesce, fetch, decide, store, respond. */
  async #read(reading: Reading & { readonly span: Span }): Promise<void> {
    const { exchange, head, request, startedAt, span } = reading
    const times = reading.times ?? UNTIMED
    try {
      this.#respond(reading, await this.#reads.read(request, head, startedAt, span, times))
    } catch (error) {
      this.#deps.reporter.faulted(error, head.requestId)
      this.#refuse({ exchange, head, span, startedAt, wasSent: true }, 'internal_error')
    }
  }

  #respond(reading: Reading, served: Served): void {
    const { exchange, head } = reading
    const told = served.outcome
    const readers = this.#deps.cors.readersFor(head)
    if (served.kind === 'failure') {
      const code = problemOf(served.failure)
      const { retryAfterMs, wasSent } = served
      const retryAfter = secondsToWait(retryAfterMs, this.#deps.random)
      const status = exchange.problem(code, head.requestId, { retryAfter, readers, wasSent })
      this.#report(reading, told, status, { code, cause: served.cause })
      return
    }
    const timing = this.#deps.isTimed ? this.#timingOf(reading) : null
    const answer =
      served.kind === 'representation'
        ? this.#stored.of(served, head, readers, timing)
        : relayedAnswer(relayable(served.answer), told, head, CACHED_READ, { readers, timing })
    exchange.answer(answer)
    this.#report(reading, told, answer.status, null)
  }

  #timingOf({ startedAt, lookupMs, times }: Reading): string {
    return readTiming(lookupMs, times, this.#deps.clock.monotonic() - startedAt)
  }

  #isShed(exchange: Exchange, head: RequestHead, startedAt: number): boolean {
    // guard: shedding
    if (!this.#deps.isOverloaded()) return false
    this.#refuse({ exchange, head, startedAt }, 'overloaded', OVERLOADED_RETRY_MS)
    return true
  }

  #passOn({ exchange, head, startedAt }: Arriving, plan: PassPlan): void {
    const { outcome, credential, write, read, isCached, preflight, route } = plan
    const span = this.#deps.traces.begin(head, head.method, route, startedAt)
    const client = this.#deps.reportsClients ? exchange.peer.address : null
    const asked = { head, span, startedAt, client }
    exchange.passOn({ outcome, credential, write, read, isCached, preflight, route, ...asked })
  }

  /** A preflight to which the answer is known is answered here. */
  #isPermitted(arriving: Arriving, { preflight }: PassPlan): boolean {
    if (preflight === null) return false
    const { exchange, head } = arriving
    const answer = this.#deps.cors.answer(preflight, head.requestId)
    if (answer === null) return false
    exchange.answer(answer)
    this.#reportEnd(arriving, answer.status, null, PREFLIGHT)
    return true
  }

  /** As its last recipient (RFC 9110 section 7.6.2). */
  #answerHere(arriving: Arriving): void {
    const { exchange, head } = arriving
    const answer = optionsAnswer(head.requestId)
    exchange.answer(answer)
    this.#reportEnd(arriving, answer.status, null)
  }

  #refuse(refusal: Refusal, code: ProblemCode, retryAfterMs: number | null = null): void {
    const { exchange, head, wasSent = false } = refusal
    const retryAfter = secondsToWait(retryAfterMs, this.#deps.random)
    const readers = this.#deps.cors.readersFor(head)
    const particulars = { retryAfter, readers, wasSent }
    this.#reportEnd(refusal, exchange.problem(code, head.requestId, particulars), code)
  }

  #reportEnd(
    refusal: Refusal,
    status: number,
    code: ProblemCode | null,
    told: Outcome = REFUSED,
  ): void {
    const { exchange, head, startedAt } = refusal
    const { method } = exchange.raw
    const span = refusal.span ?? this.#deps.traces.beginRefusal(head, method, startedAt)
    this.#finish(span, {
      outcome: told,
      status,
      method: reportedMethod(method),
      route: null,
      tenant: null,
      requestId: head.requestId,
      traceId: span?.context.traceId ?? null,
      problem: code,
      durationMs: this.#deps.clock.monotonic() - startedAt,
      client: this.#deps.reportsClients ? exchange.peer.address : null,
    })
  }

  /** @param failed null: it was answered */
  #report(
    reading: Reading,
    told: Outcome,
    status: number,
    failed: { readonly code: ProblemCode; readonly cause: UpstreamCause | null } | null,
  ): void {
    const { exchange, head, request, startedAt, span } = reading
    this.#finish(span, {
      outcome: told,
      status,
      method: head.method,
      route: request.view.route,
      tenant: request.view.tenant,
      requestId: head.requestId,
      traceId: span === null ? null : span.context.traceId,
      problem: failed?.code ?? null,
      cause: failed?.cause ?? null,
      durationMs: this.#deps.clock.monotonic() - startedAt,
      client: this.#deps.reportsClients ? exchange.peer.address : null,
    })
  }

  #finish(span: Span | null, report: Report): void {
    this.#deps.reporter.finished(report)
    if (span !== null) endRequest(span, report)
  }
}

/**
 * The way of a request: READ FIRST. Then `cache/cache.ts`.
 *
 *   socket ─▶ 1 validate ─▶ 2 route ─┬─ cached read ─▶ 3 memory ─hit────────────▶ respond
 *                │ 4xx               │                   │miss
 *                ▼                   │                4 read: Redis, coalesce, fetch, policy, store ─▶ respond
 *             problem                └─ everything else ─▶ 5 pass through (a write? invalidate) ─▶ respond
 *
 * `docs/request-lifecycle.md` tells the same with the status that each step may answer.
 */
import type { Credentials } from '../auth/credentials.ts'
import type { PinUse, VersionPins } from '../auth/version-pins.ts'
import type { Cache } from '../cache/cache.ts'
import { requestDirectives } from '../cache/cache-control.ts'
import { type Outcome, outcome, REFUSED } from '../cache/outcome.ts'
import type { ReadUpstream, UpstreamAnswer } from '../cache/ports.ts'
import type { Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import { type ReadRequest, readRequest } from '../cache/request.ts'
import type { Served } from '../cache/served.ts'
import { isSafeMethod, matchRead, matchWrite, type RouteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import { bodyOf, relayedAnswer, representationAnswer } from './answer.ts'
import type { Exchange } from './exchange.ts'
import type { ProblemCode } from './problems.ts'
import { type RequestHead, validate } from './validate.ts'

export interface PipelineDependencies {
  readonly clock: Clock
  readonly cache: Cache
  readonly credentials: Credentials
  readonly pins: VersionPins
  readonly readUpstream: ReadUpstream
  readonly reporter: Reporter
  readonly newRequestId: () => string
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** The process is short of time or memory: only what costs next to nothing is answered. */
  readonly isOverloaded: () => boolean
  readonly maxRequestBytes: number
  /** From a request's arrival to the last moment for its answer. Milliseconds. */
  readonly totalTimeoutMs: number
}

/** A cached read on its way, whose head has passed. */
interface Reading {
  readonly exchange: Exchange
  readonly head: RequestHead
  readonly request: ReadRequest
  readonly startedAt: number
}

/** When one that was shed may come again. */
const OVERLOADED_RETRY_MS = 2_000

const BYPASS_QUERY = outcome('bypass', { forward: 'bypass', detail: 'query' })
const BYPASS_NO_STORE = outcome('bypass', { forward: 'request', detail: 'no-store' })
const PASS_READ = outcome('pass-through', { forward: 'bypass' })
const PASS_WRITE = outcome('pass-through', { forward: 'method' })

export class Pipeline {
  readonly #deps: PipelineDependencies

  constructor(dependencies: PipelineDependencies) {
    this.#deps = dependencies
  }

  /** Any request, from its first step. */
  handle(exchange: Exchange): void {
    const { clock, newRequestId, maxRequestBytes } = this.#deps
    const startedAt = clock.monotonic()
    // 1. Validate: what is doubtful goes no further.
    const checked = validate(exchange.raw, newRequestId, maxRequestBytes)
    if (checked.kind === 'ok') this.proceed(exchange, checked.head, startedAt)
    else this.#refuse(exchange, checked.code, checked.requestId, startedAt)
  }

  /**
   * A request that has passed the validator.
   *
   * @param startedAt when it arrived, in monotonic milliseconds
   */
  proceed(exchange: Exchange, head: RequestHead, startedAt: number): void {
    // 2. Route.
    const isRead = head.method === 'GET' || head.method === 'HEAD'
    const read = isRead ? matchRead(head.path) : null
    if (read?.kind === 'invalid-parameter') {
      this.#refuse(exchange, 'invalid_parameter', head.requestId, startedAt)
    } else if (read?.kind === 'cached') {
      this.#readCached(exchange, head, read.match, startedAt)
    } else {
      // 5. Everything else passes through.
      const told = isSafeMethod(head.method) ? PASS_READ : PASS_WRITE
      if (!this.#isShed(exchange, head, startedAt)) this.#passOn(exchange, head, told, null)
    }
  }

  #readCached(exchange: Exchange, head: RequestHead, match: RouteMatch, startedAt: number): void {
    const { cache, clock, credentials, pins, reporter } = this.#deps
    const directives = requestDirectives(head.cacheControl, head.pragma)
    if (head.query !== null || directives.noStore) {
      const told = head.query !== null ? BYPASS_QUERY : BYPASS_NO_STORE
      if (!this.#isShed(exchange, head, startedAt)) this.#passOn(exchange, head, told, match)
      return
    }
    const { requestId, version } = head
    const tenant = head.tenant as string
    const credential = credentials.of(head.authorization as string)
    const request = readRequest({
      match,
      tenant,
      version,
      credential,
      directives,
      pins,
      requestId,
    })
    const reading: Reading = { exchange, head, request, startedAt }
    // 3. Memory: a hit is answered before this function returns.
    const before = clock.monotonic()
    const found = cache.lookup(request)
    reporter.lookedUp(clock.monotonic() - before)
    if (found.kind === 'miss') {
      if (this.#isShed(exchange, head, startedAt)) return
      void this.#read(reading)
    } else {
      this.#respond(reading, found)
      if (found.outcome.detail === 'swr') void this.#refresh(reading)
    }
  }

  /** What was served stale is refreshed with the credential that was served, under a request id of its own. */
  async #refresh({ head: served, request }: Reading): Promise<void> {
    const { cache, clock, pins, reporter, newRequestId, totalTimeoutMs } = this.#deps
    const head = { ...served, requestId: newRequestId() }
    const pin = pins.begin(request.partition, head.version)
    try {
      const refreshed = await cache.refresh(
        { ...request, requestId: head.requestId },
        {
          fetch: (deadline) => this.#fetch(head, deadline),
          deadline: clock.monotonic() + totalTimeoutMs,
          mayJoin: pin.mayJoin,
        },
      )
      if (refreshed === null) pins.end(pin, undefined)
      else endPin(pins, pin, refreshed)
    } catch (error) {
      pins.end(pin, null)
      reporter.faulted(error, head.requestId)
    }
  }

  /** 4. The asynchronous read: the tier that instances share, coalesce, fetch, decide, store, respond. */
  async #read(reading: Reading): Promise<void> {
    const { cache, pins, reporter, totalTimeoutMs } = this.#deps
    const { exchange, head, request, startedAt } = reading
    const pin = pins.begin(request.partition, head.version)
    try {
      const served = await cache.read(request, {
        fetch: (deadline) => this.#fetch(head, deadline),
        deadline: startedAt + totalTimeoutMs,
        mayJoin: pin.mayJoin,
      })
      endPin(pins, pin, served)
      this.#respond(reading, served)
    } catch (error) {
      pins.end(pin, null)
      reporter.faulted(error, head.requestId)
      this.#refuse(exchange, 'internal_error', head.requestId, startedAt)
    }
  }

  async #fetch(head: RequestHead, deadline: number): Promise<UpstreamAnswer> {
    const { authorization, tenant, version, requestId } = head
    const headers = {
      authorization: authorization as string,
      tenant: tenant as string,
      version,
      requestId,
    }
    return this.#deps.readUpstream.read(head.path, headers, deadline)
  }

  #respond(reading: Reading, served: Served): void {
    const { exchange, head } = reading
    const told = served.outcome
    if (served.kind === 'failure') {
      const code = PROBLEM_OF_FAILURE[served.failure]
      const retryAfter = this.#secondsToWait(served.retryAfterMs)
      this.#report(reading, told, exchange.problem(code, head.requestId, retryAfter), code)
      return
    }
    const answer =
      served.kind === 'representation'
        ? representationAnswer(served.representation, told, head)
        : relayedAnswer({ ...served.answer, body: bodyOf(served.answer) }, told, head, true)
    exchange.answer(answer)
    this.#report(reading, told, answer.status, null)
  }

  #isShed(exchange: Exchange, { requestId }: RequestHead, startedAt: number): boolean {
    if (!this.#deps.isOverloaded()) return false
    this.#refuse(exchange, 'overloaded', requestId, startedAt, OVERLOADED_RETRY_MS)
    return true
  }

  /** Jittered by 20 % either way (wire.md), so that those who wait don't come back together. */
  #secondsToWait(milliseconds: number | null): number | null {
    if (milliseconds === null) return null
    const jitter = 0.8 + 0.4 * this.#deps.random()
    return Math.max(1, Math.ceil((milliseconds / 1000) * jitter))
  }

  #passOn(exchange: Exchange, head: RequestHead, told: Outcome, read: RouteMatch | null): void {
    const credential =
      head.authorization === null ? null : this.#deps.credentials.of(head.authorization)
    const write = head.tenant === null ? null : matchWrite(head.method, head.path)
    exchange.passOn({ head, credential, outcome: told, write, read })
  }

  #refuse(
    exchange: Exchange,
    code: ProblemCode,
    requestId: string,
    startedAt: number,
    retryAfterMs: number | null = null,
  ): void {
    const status = exchange.problem(code, requestId, this.#secondsToWait(retryAfterMs))
    this.#deps.reporter.finished({
      outcome: REFUSED,
      status,
      method: exchange.raw.method,
      route: null,
      tenant: null,
      requestId,
      problem: code,
      durationMs: this.#deps.clock.monotonic() - startedAt,
      traceId: null,
    })
  }

  #report(reading: Reading, told: Outcome, status: number, problem: ProblemCode | null): void {
    const { head, request, startedAt } = reading
    this.#deps.reporter.finished({
      outcome: told,
      status,
      method: head.method,
      route: request.view.route,
      tenant: request.view.tenant,
      requestId: head.requestId,
      problem,
      durationMs: this.#deps.clock.monotonic() - startedAt,
      traceId: null,
    })
  }
}

const PROBLEM_OF_FAILURE = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  limited: 'tenant_limit',
  'not-cached': 'not_cached',
} as const

/** Only an answer to the credential's own request says which version is now in force for it. */
function endPin(pins: VersionPins, pin: PinUse, served: Served): void {
  const { kind, detail } = served.outcome
  if (kind !== 'fill') {
    // The upstream was asked, and what it made of that is not known.
    pins.end(pin, kind === 'failed' || detail === 'sie' ? null : undefined)
  } else if (served.kind === 'representation') {
    pins.end(pin, served.representation.version)
  } else if (served.kind === 'answer') {
    pins.end(pin, headerValue(served.answer.headers, 'x-api-version'))
  }
}

/**
 * Reads for the cache, kept from an upstream that fails, from a tenant that takes too much of it, and from
 * a tenant that it has asked to wait. What is refused here was not sent.
 */
import type { Readable } from 'node:stream'
import type { ReadUpstream, UpstreamAnswer, UpstreamFailure } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { UpstreamBreaker } from './breaker.ts'
import type { Entry } from './lanes.ts'
import type { Places } from './places.ts'
import { retryAfterMs } from './retry-after.ts'
import type { TenantGate } from './tenant-gate.ts'
import { whenClosed } from './when-closed.ts'

export interface GuardDependencies {
  readonly client: ReadUpstream
  readonly breaker: UpstreamBreaker
  readonly gate: Pick<TenantGate, 'heldFor' | 'hold'>
  readonly places: Places
  readonly clock: Pick<Clock, 'wall'>
}

/** Of these an answer says that the upstream, or what is before it, is in trouble as a whole. */
const TROUBLE: ReadonlySet<number> = new Set([502, 503, 504])
/** When a full lane may be tried again. */
const FULL_RETRY_MS = 2_000

function refused(entry: Exclude<Entry, 'in'>): UpstreamFailure {
  if (entry === 'full') return { kind: 'limited', retryAfterMs: FULL_RETRY_MS }
  return { kind: 'timeout', cause: 'queue-timeout', wasSent: false }
}

type ReadHeaders = Parameters<ReadUpstream['read']>[1]

export class GuardedReads implements ReadUpstream {
  readonly #deps: GuardDependencies

  constructor(dependencies: GuardDependencies) {
    this.#deps = dependencies
  }

  /** What a read of the tenant would be refused with now, unsent; null: it would be sent, or wait its turn. */
  refusal(tenant: string, isAccepted: boolean): UpstreamFailure | null {
    const { gate, places, breaker } = this.#deps
    const heldMs = gate.heldFor(tenant)
    if (heldMs > 0) return { kind: 'limited', retryAfterMs: heldMs }
    if (places.isFull({ tenant, isAccepted })) return refused('full')
    const waitMs = breaker.waitMs()
    return waitMs === null ? null : { kind: 'paused', retryAfterMs: waitMs }
  }

  async read(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const { gate, places } = this.#deps
    const heldMs = gate.heldFor(headers.tenant)
    if (heldMs > 0) return { kind: 'limited', retryAfterMs: heldMs }
    if (!places.tryTake(headers)) {
      // A fill is of use to others even if its client has gone, and takes no more than its tenant's places.
      const entered = await places.take(headers, deadline, null)
      if (entered !== 'in') return refused(entered)
    }
    return this.#readInPlace(path, headers, deadline)
  }

  async #readInPlace(
    path: string,
    headers: ReadHeaders,
    deadline: number,
  ): Promise<UpstreamAnswer> {
    const { places } = this.#deps
    let stream: Readable | null = null
    try {
      const answer = await this.#readIfUsable(path, headers, deadline)
      if (answer.kind === 'streamed') stream = answer.stream
      return answer
    } finally {
      if (stream === null) places.leave(headers)
      else whenClosed(stream, () => places.leave(headers))
    }
  }

  async #readIfUsable(
    path: string,
    headers: ReadHeaders,
    deadline: number,
  ): Promise<UpstreamAnswer> {
    const { breaker, client } = this.#deps
    const waitMs = breaker.admit()
    // guard: upstream-paused
    if (waitMs !== null) return { kind: 'paused', retryAfterMs: waitMs }
    return this.#learn(headers.tenant, await client.read(path, headers, deadline))
  }

  #learn(tenant: string, answer: UpstreamAnswer): UpstreamAnswer {
    const { breaker, gate, clock } = this.#deps
    if (answer.kind !== 'buffered' && answer.kind !== 'streamed') {
      breaker.failed()
      return answer
    }
    if (TROUBLE.has(answer.status)) breaker.failed()
    else breaker.succeeded()
    // guard: tenant-hold
    if (answer.status === 429) gate.hold(tenant, retryAfterMs(answer.headers, clock.wall()))
    return answer
  }
}

/**
 * Reads for the cache, kept from an upstream that fails, from a tenant that takes too much of it, and from
 * a tenant that it has asked to wait. What is refused here was not sent.
 */
import type { ReadUpstream, UpstreamAnswer, UpstreamFailure } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { UpstreamBreaker } from './breaker.ts'
import type { ReadHeaders } from './headers.ts'
import type { Lanes } from './lanes.ts'
import { retryAfterMs } from './retry-after.ts'
import type { TenantGate } from './tenant-gate.ts'

export interface GuardDependencies {
  readonly client: ReadUpstream
  readonly breaker: UpstreamBreaker
  readonly gate: TenantGate
  /** For all tenants together: as many as there are connections. */
  readonly overall: Lanes
  readonly clock: Clock
}

/** Of these an answer says that the upstream, or what is before it, is in trouble as a whole. */
const TROUBLE: ReadonlySet<number> = new Set([502, 503, 504])
/** When a full lane may be tried again. */
const FULL_RETRY_MS = 2_000

function refused(entry: 'full' | 'late'): UpstreamFailure {
  return entry === 'full' ? { kind: 'limited', retryAfterMs: FULL_RETRY_MS } : { kind: 'timeout' }
}

export class GuardedReads implements ReadUpstream {
  readonly #deps: GuardDependencies

  constructor(dependencies: GuardDependencies) {
    this.#deps = dependencies
  }

  /** What a read of the tenant would be refused with now, unsent; null: it would be sent, or wait its turn. */
  refusal(tenant: string): UpstreamFailure | null {
    const { gate, overall, breaker } = this.#deps
    const heldMs = gate.heldFor(tenant)
    if (heldMs > 0) return { kind: 'limited', retryAfterMs: heldMs }
    if (gate.isFull(tenant) || overall.isFull) return refused('full')
    const waitMs = breaker.waitMs()
    return waitMs === null ? null : { kind: 'unreachable', retryAfterMs: waitMs }
  }

  async read(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const { gate } = this.#deps
    const { tenant } = headers
    const heldMs = gate.heldFor(tenant)
    if (heldMs > 0) return { kind: 'limited', retryAfterMs: heldMs }
    const entered = await gate.enter(tenant, this.#patience(deadline))
    if (entered !== 'in') return refused(entered)
    try {
      return await this.#readInTurn(path, headers, deadline)
    } finally {
      gate.leave(tenant)
    }
  }

  /** The tenant has its place; now all tenants together. */
  async #readInTurn(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const { overall, breaker, client } = this.#deps
    const entered = await overall.enter(this.#patience(deadline))
    if (entered !== 'in') return refused(entered)
    try {
      const waitMs = breaker.admit()
      if (waitMs !== null) return { kind: 'unreachable', retryAfterMs: waitMs }
      return this.#learn(headers.tenant, await client.read(path, headers, deadline))
    } finally {
      overall.leave()
    }
  }

  #patience(deadline: number): number {
    return Math.max(0, deadline - this.#deps.clock.monotonic())
  }

  #learn(tenant: string, answer: UpstreamAnswer): UpstreamAnswer {
    const { breaker, gate } = this.#deps
    if (answer.kind !== 'buffered' && answer.kind !== 'streamed') {
      breaker.failed()
      return answer
    }
    if (TROUBLE.has(answer.status)) breaker.failed()
    else breaker.succeeded()
    if (answer.status === 429) gate.hold(tenant, retryAfterMs(answer.headers))
    return answer
  }
}

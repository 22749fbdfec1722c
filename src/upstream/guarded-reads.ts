/**
 * Reads for the cache, kept from an upstream that fails, from a tenant that takes too much of it, and from
 * a tenant that it has asked to wait. What is refused here was not sent.
 */
import type { ReadUpstream, UpstreamAnswer } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { UpstreamBreaker } from './breaker.ts'
import type { ReadHeaders } from './headers.ts'
import { retryAfterMs } from './retry-after.ts'
import type { TenantGate } from './tenant-gate.ts'

export interface GuardDependencies {
  readonly client: ReadUpstream
  readonly breaker: UpstreamBreaker
  readonly gate: TenantGate
  readonly clock: Clock
}

/** Of these an answer says that the upstream, or what is before it, is in trouble as a whole. */
const TROUBLE: ReadonlySet<number> = new Set([502, 503, 504])
/** When a full lane may be tried again. */
const FULL_RETRY_MS = 2_000

export class GuardedReads implements ReadUpstream {
  readonly #deps: GuardDependencies

  constructor(dependencies: GuardDependencies) {
    this.#deps = dependencies
  }

  async read(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const { gate, breaker, clock } = this.#deps
    const { tenant } = headers
    const heldMs = gate.heldFor(tenant)
    if (heldMs > 0) return { kind: 'limited', retryAfterMs: heldMs }
    const entered = await gate.enter(tenant, Math.max(0, deadline - clock.monotonic()))
    if (entered === 'full') return { kind: 'limited', retryAfterMs: FULL_RETRY_MS }
    if (entered === 'late') return { kind: 'timeout' }
    try {
      const waitMs = breaker.admit()
      if (waitMs !== null) return { kind: 'unreachable', retryAfterMs: waitMs }
      return this.#learn(tenant, await this.#deps.client.read(path, headers, deadline))
    } finally {
      gate.leave(tenant)
    }
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

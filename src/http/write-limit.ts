/**
 * How many writes of credentials that the API has not accepted may end in doubt, for each tenant: neither in a 2xx nor
 * in a definite rejection. Each such outcome makes stale what the write may have changed, whoever asked, so one who
 * can send any text as a token could empty the tenant's cache with them.
 *
 * What is on its way counts as if it were to end so; beyond the limit a write waits for those before it, and is
 * refused as soon as so many have ended in doubt. Pure, but for its clock.
 */
import type { Clock } from '../lib/clock.ts'

/** Outcomes in doubt within the window, and writes on their way besides. */
const MAX_IN_DOUBT = 10
const WINDOW_MS = 60_000
/** So many of one tenant may wait, and as long as the API may take for an answer by default. */
const MAX_WAITING = 100
const MAX_WAIT_MS = 10_000
/** Tenants that are remembered; beyond, the one that was first is forgotten. */
const MAX_TENANTS = 10_000

/** A write that may be sent; to be ended. */
export interface LimitedWrite {
  /**
   * The first call counts.
   *
   * @param isInDoubt whether it ended neither in a 2xx nor in a definite rejection
   */
  end(isInDoubt: boolean): void
}

/** The limit has been reached: the write was not sent. */
export class WriteLimitReached extends Error {
  override readonly name = 'WriteLimitReached'
  /** Milliseconds until one may be sent again. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('too many writes of the tenant have ended in doubt')
    this.retryAfterMs = retryAfterMs
  }
}

export class WriteLimit {
  readonly #clock: Clock
  readonly #maxWaitMs: number
  readonly #tenants = new Map<string, TenantWrites>()

  constructor(clock: Clock, maxWaitMs = MAX_WAIT_MS) {
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
  }

  /** Tenants that are remembered. */
  get size(): number {
    return this.#tenants.size
  }

  /** @throws WriteLimitReached where `begin` would at once */
  check(tenant: string): void {
    this.#tenants.get(tenant)?.check()
  }

  /**
   * Resolves when a write of a credential that the API has not accepted may be sent.
   *
   * @throws WriteLimitReached
   */
  begin(tenant: string): Promise<LimitedWrite> {
    return this.#of(tenant).begin()
  }

  #of(tenant: string): TenantWrites {
    const known = this.#tenants.get(tenant)
    if (known !== undefined) return known
    this.#forgetOldest()
    const made = new TenantWrites(this.#clock, this.#maxWaitMs, () => {
      if (this.#tenants.get(tenant) === made) this.#tenants.delete(tenant)
    })
    this.#tenants.set(tenant, made)
    return made
  }

  /** One that is forgotten with writes on their way ends them on its own. */
  #forgetOldest(): void {
    if (this.#tenants.size < MAX_TENANTS) return
    const [oldest] = this.#tenants.keys()
    if (oldest !== undefined) this.#tenants.delete(oldest)
  }
}

interface Waiting {
  admit(): void
  refuse(): void
}

class TenantWrites {
  readonly #clock: Clock
  readonly #maxWaitMs: number
  readonly #onIdle: () => void
  /** When writes ended in doubt, the oldest first: monotonic milliseconds. */
  #doubts: number[] = []
  #underWay = 0
  readonly #waiting = new Set<Waiting>()

  /** @param onIdle there is nothing left to remember */
  constructor(clock: Clock, maxWaitMs: number, onIdle: () => void) {
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
    this.#onIdle = onIdle
  }

  check(): void {
    this.#expire()
    const isReached = this.#doubts.length >= MAX_IN_DOUBT || this.#waiting.size >= MAX_WAITING
    if (isReached) throw this.#reached()
  }

  async begin(): Promise<LimitedWrite> {
    this.check()
    if (this.#hasRoom()) return this.#admit()
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        done()
      }
      const waiting: Waiting = {
        admit: () => settle(() => resolve(this.#admit())),
        refuse: () => settle(() => reject(this.#reached())),
      }
      const timer = setTimeout(() => waiting.refuse(), this.#maxWaitMs)
      this.#waiting.add(waiting)
    })
  }

  #admit(): LimitedWrite {
    this.#underWay++
    let hasEnded = false
    return {
      end: (isInDoubt) => {
        if (!hasEnded) this.#end(isInDoubt)
        hasEnded = true
      },
    }
  }

  #end(isInDoubt: boolean): void {
    this.#expire()
    this.#underWay--
    if (isInDoubt) this.#doubts.push(this.#clock.monotonic())
    for (const waiting of this.#waiting) {
      if (this.#hasRoom()) waiting.admit()
      else if (this.#doubts.length >= MAX_IN_DOUBT) waiting.refuse()
      else break
    }
    if (this.#underWay === 0 && this.#doubts.length === 0) this.#onIdle()
  }

  #hasRoom(): boolean {
    // guard: writes-under-way
    return this.#doubts.length + this.#underWay < MAX_IN_DOUBT
  }

  #reached(): WriteLimitReached {
    const [oldest = this.#clock.monotonic()] = this.#doubts
    return new WriteLimitReached(Math.max(0, oldest + WINDOW_MS - this.#clock.monotonic()))
  }

  #expire(): void {
    const since = this.#clock.monotonic() - WINDOW_MS
    this.#doubts = this.#doubts.filter((at) => at > since)
  }
}

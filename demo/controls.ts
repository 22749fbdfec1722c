import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from './data.ts'
import type { Failure } from './failure.ts'
import type { HoldPoint } from './hold.ts'
import { Hold } from './hold.ts'
import type { ReceivedRequest, RequestMatcher } from './journal.ts'

/** Delay before each answer: `delayMs`, give or take up to `jitterMs`. */
export interface Latency {
  readonly delayMs: number
  readonly jitterMs?: number
}

/** A share of requests, 0 to 1, that is answered with `status` instead. */
export interface FailureRate {
  readonly rate: number
  readonly status?: number
}

/** A failure with the requests it is meant for. */
export type PlannedFailure = Failure & {
  /** All requests by default. */
  readonly match?: RequestMatcher
  /** How many requests fail so; 1 by default. */
  readonly times?: number
}

/** What a test can do to the requests of a running upstream. */
export class Controls {
  readonly #random: Random
  readonly #holds = new Set<Hold>()
  #failures: { readonly plan: PlannedFailure; left: number }[] = []
  #latency: Latency = { delayMs: 0 }
  #failureRate: FailureRate = { rate: 0 }

  constructor(random: Random) {
    this.#random = random
  }

  /** Whether no control is set, so that a request can be answered straight away. */
  get idle(): boolean {
    return (
      this.#holds.size === 0 &&
      this.#failures.length === 0 &&
      this.#latency.delayMs === 0 &&
      (this.#latency.jitterMs ?? 0) === 0 &&
      this.#failureRate.rate === 0
    )
  }

  /**
   * Makes matching requests wait from now on. At `arrival` (default) a request waits before it is
   * carried out and is answered with the state at its release; at `answer` it has been carried
   * out, and a ready answer, perhaps old by then, is withheld.
   */
  hold(options: { match?: RequestMatcher; at?: HoldPoint } = {}): Hold {
    const hold = new Hold(options.match ?? (() => true), options.at ?? 'arrival', (ended) =>
      this.#holds.delete(ended),
    )
    this.#holds.add(hold)
    return hold
  }

  /** Ends all holds; what they held goes on. */
  release(): void {
    for (const hold of this.#holds) hold.release()
  }

  /** Plans failures for the next matching requests, in the order planned. */
  failNext(plan: PlannedFailure): void {
    this.#failures.push({ plan, left: plan.times ?? 1 })
  }

  setLatency(latency: Latency): void {
    this.#latency = latency
  }

  setFailureRate(failureRate: FailureRate): void {
    this.#failureRate = failureRate
  }

  /** Takes away everything that was set, and lets go what is held. */
  clear(): void {
    this.release()
    this.#failures = []
    this.#latency = { delayMs: 0 }
    this.#failureRate = { rate: 0 }
  }

  /** Waits for each hold at this point that wants the request. */
  async pass(point: HoldPoint, request: ReceivedRequest): Promise<void> {
    for (const hold of [...this.#holds]) await hold.pass(point, request)
  }

  async delay(): Promise<void> {
    const { delayMs, jitterMs = 0 } = this.#latency
    const wait = delayMs + jitterMs * (2 * this.#random() - 1)
    if (wait > 0) await delay(wait, undefined, { ref: false })
  }

  /** The failure this request must have, used up by asking. */
  takeFailure(request: ReceivedRequest): Failure | undefined {
    const planned = this.#failures.find(({ plan }) => plan.match?.(request) ?? true)
    if (planned !== undefined) {
      planned.left -= 1
      if (planned.left <= 0) this.#failures = this.#failures.filter((one) => one !== planned)
      return planned.plan
    }
    const { rate, status = 503 } = this.#failureRate
    return rate > 0 && this.#random() < rate ? { status } : undefined
  }
}

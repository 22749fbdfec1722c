/**
 * Keeps requests away from a Redis that does not answer, so that each of them loses no time to it. Opens by
 * what commands report; closes only by a probe that nobody waits for. Pure.
 */
import type { Clock } from '../lib/clock.ts'

/** Reliability R2: at most 50 ms are added until then. */
const MAX_FAILURES = 20
const MAX_FAILING_MS = 1_000

export class Breaker {
  readonly #clock: Clock
  #failures = 0
  #failingSince: number | null = null
  #isOpen = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  succeeded(): void {
    this.#failures = 0
    this.#failingSince = null
  }

  /**
   * @param isOurs this process had so little time that the failure says nothing of Redis; it counts only when
   *   there has been nothing else for a second
   * @returns true if this one opened it
   */
  failed(isOurs = false): boolean {
    const now = this.#clock.monotonic()
    this.#failingSince ??= now
    if (!isOurs) this.#failures++
    const isEnough = this.#failures >= MAX_FAILURES || now - this.#failingSince >= MAX_FAILING_MS
    if (this.#isOpen || !isEnough) return false
    this.#isOpen = true
    return true
  }

  close(): void {
    this.#isOpen = false
    this.succeeded()
  }
}

/**
 * Refreshes that failed are not tried again at once: the pause doubles with each failure in a row, and is
 * jittered so that many copies don't come back together.
 */
import type { Clock } from '../lib/clock.ts'
import type { Key } from './key.ts'

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Beyond so many, the oldest is forgotten: then it is tried once more than need be. */
const MAX_REMEMBERED = 10_000

interface Pause {
  readonly failures: number
  /** Monotonic milliseconds. */
  readonly until: number
}

export class Backoff {
  readonly #pauses = new Map<Key, Pause>()
  readonly #clock: Clock
  readonly #random: () => number

  /** @param random uniform in [0, 1) */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  isPaused(key: Key): boolean {
    const pause = this.#pauses.get(key)
    return pause !== undefined && this.#clock.monotonic() < pause.until
  }

  succeeded(key: Key): void {
    this.#pauses.delete(key)
  }

  failed(key: Key): void {
    this.#pause(key, (this.#pauses.get(key)?.failures ?? 0) + 1)
  }

  /** By a fault of our own, which says nothing of the upstream: the shortest pause, so that it is not met all the time. */
  faulted(key: Key): void {
    this.#pause(key, 1)
  }

  #pause(key: Key, failures: number): void {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
    const until = this.#clock.monotonic() + longest * (0.5 + this.#random() / 2)
    this.#pauses.delete(key)
    this.#pauses.set(key, { failures, until })
    const [oldest] = this.#pauses.keys()
    if (this.#pauses.size > MAX_REMEMBERED && oldest !== undefined) this.#pauses.delete(oldest)
  }
}

/** A length of time that is used up only while it runs. */
import type { Clock } from '../lib/clock.ts'

export class Budget {
  readonly #clock: Clock
  readonly #onSpent: () => void
  #leftMs: number
  /** Monotonic milliseconds; null: it is held. */
  #runningSince: number | null = null
  #timer: NodeJS.Timeout | undefined

  /** Held at first. @param ms not below 0 */
  constructor(ms: number, clock: Clock, onSpent: () => void) {
    this.#leftMs = ms
    this.#clock = clock
    this.#onSpent = onSpent
  }

  run(): void {
    if (this.#runningSince !== null) return
    this.#runningSince = this.#clock.monotonic()
    this.#timer = setTimeout(this.#onSpent, this.#leftMs)
  }

  hold(): void {
    if (this.#runningSince === null) return
    clearTimeout(this.#timer)
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.monotonic() - this.#runningSince))
    this.#runningSince = null
  }
}

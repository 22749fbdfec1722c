/** What is remembered for a while, of so many at most: then the oldest is forgotten. */
import type { Clock } from '../lib/clock.ts'

interface Remembered<Value> {
  readonly value: Value
  /** Monotonic milliseconds. */
  readonly until: number
}

export class LapsingMap<Value> {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #max: number
  readonly #lifetimeMs: number
  /** Oldest first. */
  readonly #entries = new Map<string, Remembered<Value>>()

  constructor(clock: Pick<Clock, 'monotonic'>, max: number, lifetimeMs: number) {
    this.#clock = clock
    this.#max = max
    this.#lifetimeMs = lifetimeMs
  }

  get(key: string): Value | undefined {
    const found = this.#entries.get(key)
    return found !== undefined && found.until > this.#clock.monotonic() ? found.value : undefined
  }

  /** Milliseconds for which it is still remembered; 0: it is not. */
  msLeft(key: string): number {
    const until = this.#entries.get(key)?.until ?? 0
    return Math.max(0, until - this.#clock.monotonic())
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key)
    // guard: lapsing-bound
    if (this.#entries.size >= this.#max) {
      const [oldest = ''] = this.#entries.keys()
      this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, until: this.#clock.monotonic() + this.#lifetimeMs })
  }
}

/** Where the time of one read goes, for who wants to tell its client. */
import type { Clock } from '../lib/clock.ts'

/** A look into Redis; waiting for another's fill, or for the turn to ask; asking the upstream. */
export type TimedPart = 'redis' | 'wait' | 'upstream'

export interface ReadTimes {
  /** Counts the time until `work` has ended. */
  during<T>(part: TimedPart, work: Promise<T>): Promise<T>
}

/** Nobody wants to know. */
export const UNTIMED: ReadTimes = { during: (_, work) => work }

export class MeasuredTimes implements ReadTimes {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #ms: Partial<Record<TimedPart, number>> = {}

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  async during<T>(part: TimedPart, work: Promise<T>): Promise<T> {
    const before = this.#clock.monotonic()
    try {
      return await work
    } finally {
      this.#ms[part] = (this.#ms[part] ?? 0) + this.#clock.monotonic() - before
    }
  }

  /** In milliseconds; null: it did not happen. */
  of(part: TimedPart): number | null {
    return this.#ms[part] ?? null
  }
}

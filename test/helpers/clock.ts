import type { Clock } from '../../src/lib/clock.ts'

/** Time that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now: number

  constructor(startMs = 1_000_000) {
    this.#now = startMs
  }

  monotonic(): number {
    return this.#now
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
  }
}

/**
 * How far the memory tier may be trusted (design section 4). Memory hears of other instances' writes on the
 * bus, and the bus can be dead while its connection looks alive. So trust is leased: it lasts for a while
 * after a probe of our own has gone out and come back. Judged at the time of use, by the monotonic clock:
 * no timer has to fire for it to end.
 */
import type { Clock } from '../lib/clock.ts'

/** From the sending of a probe that came back. */
export const LEASE_MS = 1_000
/** No stretch: the bus has not been heard. */
export const NO_STRETCH = 0

export class Lease {
  readonly #clock: Clock
  /** Counts the unbroken stretches of the bus. What was learnt in one is worth nothing in the next. */
  #stretch = 0
  #until = Number.NEGATIVE_INFINITY
  #lastHeardAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastHeardAt = clock.monotonic()
  }

  /** The stretch that `now` lies in, or `NO_STRETCH`. */
  at(now: number): number {
    return now < this.#until ? this.#stretch : NO_STRETCH
  }

  /**
   * A probe came back that was sent at `sentAt`, on a connection that has lost nothing since.
   *
   * @returns milliseconds for which there was no lease before; 0: it went on unbroken
   */
  renew(sentAt: number): number {
    const now = this.#clock.monotonic()
    const until = sentAt + LEASE_MS
    if (now >= until) return 0
    const gap = now < this.#until ? 0 : now - this.#lastHeardAt
    if (now >= this.#until) this.#stretch++
    this.#until = Math.max(this.#until, until)
    this.#lastHeardAt = now
    return gap
  }

  /** A message was lost, or may have been. */
  break(): void {
    this.#until = Number.NEGATIVE_INFINITY
  }

  isLive(): boolean {
    return this.at(this.#clock.monotonic()) !== NO_STRETCH
  }
}

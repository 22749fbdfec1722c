/**
 * Whether what lies in Redis may be believed: the quarantine. It begins before Redis has taken a write of this instance,
 * ends when everybody who may know of a write that Redis could not take is accounted for (`roster.ts`), and begins again
 * when contact is lost:
 *
 * 1. Redis hangs. A write goes through instance A, which can't change the fence.
 * 2. Redis is back. Instance B connects first, and finds the old body under the old, unchanged fence.
 * 3. Instance A connects, and changes the fence.
 *
 * After a loss it lasts for a while in any case. A failover may have lost the last entries of the roster together with the
 * last changes; their instances repeat both.
 */
import type { Clock } from '../lib/clock.ts'

/** Above the longest pause between attempts to connect (700 ms), with time for the changes themselves. */
export const QUARANTINE_MS = 1_500

/** An instance is heard four times a second: who was not for so long is gone, or has changed its mind. */
export const DISAGREEMENT_MS = 2_000

export class TierTrust {
  readonly #clock: Clock
  #isAccounted = false
  /** What was never had is not lost. */
  #hadContact = false
  #wasLost = false
  #contactAt = Number.NEGATIVE_INFINITY
  #disagreedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  lost(): void {
    this.#isAccounted = false
    this.#wasLost = this.#hadContact
    this.#contactAt = Number.NEGATIVE_INFINITY
  }

  /** Redis has taken a write of this instance, for the first time or again. */
  regained(): void {
    this.#hadContact = true
    this.#contactAt = this.#clock.monotonic()
  }

  accounted(): void {
    this.#isAccounted = true
  }

  /** An instance is heard that does not find our changes in Redis, nor we its. */
  disagreed(): void {
    this.#disagreedAt = this.#clock.monotonic()
  }

  isAgreed(): boolean {
    return this.#clock.monotonic() - this.#disagreedAt >= DISAGREEMENT_MS
  }

  isTrusted(): boolean {
    // guard: accounted-for
    if (!this.#isAccounted || !this.isAgreed()) return false
    return !this.#wasLost || this.#clock.monotonic() - this.#contactAt >= QUARANTINE_MS
  }
}

/**
 * Whether what lies in Redis may be believed. While Redis was out of reach, writes went by that could not
 * change their fences there; each instance makes up for its own as soon as it can. Until all have had the
 * time, what was stored before is left alone:
 *
 * 1. Redis hangs. A write goes through instance A, which can't change the fence.
 * 2. Redis is back. Instance B connects first, and finds the old body under the old, unchanged fence.
 * 3. Instance A connects, and changes the fence.
 *
 * A failover is the same: the new master may have lost the last changes, and their instances repeat them.
 */
import type { Clock } from '../lib/clock.ts'

/** Above the longest pause between attempts to connect (700 ms), with time for the changes themselves. */
export const QUARANTINE_MS = 1_500

export class TierTrust {
  readonly #clock: Clock
  #isLost = false
  #wasThere = false
  #recoveredAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  lost(): void {
    this.#isLost = true
  }

  /** A probe was not taken. At the start the bus may be there first: what was never had is not lost. */
  missed(): void {
    if (this.#wasThere) this.lost()
  }

  /** @returns true if it had been lost */
  recovered(): boolean {
    this.#wasThere = true
    if (!this.#isLost) return false
    this.#isLost = false
    this.#recoveredAt = this.#clock.monotonic()
    return true
  }

  isTrusted(): boolean {
    return !this.#isLost && this.#clock.monotonic() - this.#recoveredAt >= QUARANTINE_MS
  }
}

/**
 * Keeps reads away from an upstream that does not answer, so that each of them is spared the wait: those
 * who hold a copy are served it at once. Opens after failures in a row; while it is open, one request at a
 * time, and one a second, tries whether the upstream is back. Pure, but for its clock.
 */
import type { Clock } from '../lib/clock.ts'

const FAILURES_TO_OPEN = 10
const PROBE_INTERVAL_MS = 1_000

export class UpstreamBreaker {
  readonly #clock: Clock
  readonly #onChange: (isOpen: boolean) => void
  #failures = 0
  #isOpen = false
  #nextProbeAt = 0

  constructor(clock: Clock, onChange: (isOpen: boolean) => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Milliseconds until somebody may try again; null: a request may go. */
  waitMs(): number | null {
    const left = this.#nextProbeAt - this.#clock.monotonic()
    return this.#isOpen && left > 0 ? left : null
  }

  /** As `waitMs`, and the request that may go does so. */
  admit(): number | null {
    const waitMs = this.waitMs()
    if (this.#isOpen && waitMs === null) {
      this.#nextProbeAt = this.#clock.monotonic() + PROBE_INTERVAL_MS
    }
    return waitMs
  }

  succeeded(): void {
    this.#failures = 0
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#onChange(false)
  }

  failed(): void {
    this.#failures++
    if (this.#isOpen || this.#failures < FAILURES_TO_OPEN) return
    this.#isOpen = true
    this.#nextProbeAt = this.#clock.monotonic() + PROBE_INTERVAL_MS
    this.#onChange(true)
  }
}

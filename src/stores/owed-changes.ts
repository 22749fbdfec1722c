/**
 * Changes of fences that Redis still has to learn: those that it refused or did not answer, and, after it
 * was out of reach, all recent ones again, since a failover may have lost them.
 */
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'

/** How far back a failover may forget. Reliability section 0.5: up to 10 s have been seen. */
const RECENT_MS = 15_000
const MAX_REMEMBERED = 20_000

export class OwedChanges {
  readonly #clock: Clock
  readonly #owed = new Set<Key>()
  /** Fence → when it was changed; in that order. */
  readonly #recent = new Map<Key, number>()
  /** Collapses a fence into one that guards more, when there are too many to be remembered. */
  readonly #widen: (name: Key) => Key

  constructor(clock: Clock, widen: (name: Key) => Key) {
    this.#clock = clock
    this.#widen = widen
  }

  changed(names: readonly Key[]): void {
    const now = this.#clock.monotonic()
    for (const name of names) {
      this.#recent.delete(name)
      this.#recent.set(name, now)
    }
    for (const [name, at] of this.#recent) {
      if (now - at < RECENT_MS && this.#recent.size <= MAX_REMEMBERED) break
      this.#recent.delete(name)
      if (now - at < RECENT_MS) this.#recent.set(this.#widen(name), now)
    }
  }

  owe(names: readonly Key[]): void {
    for (const name of names) this.#owed.add(name)
    if (this.#owed.size <= MAX_REMEMBERED) return
    const all = [...this.#owed]
    this.#owed.clear()
    for (const name of all) this.#owed.add(this.#widen(name))
  }

  /** Redis was out of reach: it may have forgotten what it had been told. */
  repeat(): void {
    const now = this.#clock.monotonic()
    this.owe([...this.#recent].filter(([, at]) => now - at < RECENT_MS).map(([name]) => name))
  }

  /** What is owed; the caller gives back what it could not change. */
  take(): readonly Key[] {
    const names = [...this.#owed]
    this.#owed.clear()
    return names
  }

  get size(): number {
    return this.#owed.size
  }
}

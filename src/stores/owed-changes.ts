/**
 * Pending invalidations of this instance: changes of fences that Redis, or the other instances, still have to
 * learn. Those that Redis refused or did not answer, those that could not be published, and, after Redis was out of
 * reach, all recent ones again, since a failover may have lost them.
 *
 * The set has a revision, which goes out with everything this instance publishes: whoever has another one asks for
 * the set again (`peer-invalidations.ts`).
 */
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'

/** How far back a failover may forget: up to 10 s have been seen. Milliseconds. */
export const RECENT_MS = 15_000
const MAX_REMEMBERED = 20_000

/** What an instance says of its set with all that it publishes. */
export type PendingState = readonly [revision: number, size: number]

export class OwedChanges {
  readonly #clock: Clock
  /** Fence → the revision at which it was last added. */
  readonly #pending = new Map<Key, number>()
  /** Fence → when it was changed; in that order. */
  readonly #recent = new Map<Key, number>()
  /** Collapses a fence into one that guards more, when there are too many to be remembered. */
  readonly #widen: (name: Key) => Key
  #revision = 0
  /** When contact was lost; null: it was not. What was changed shortly before may have to be repeated, however long that lasts. */
  #lostAt: number | null = null

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
      if (this.#isRecent(at) && this.#recent.size <= MAX_REMEMBERED) break
      this.#recent.delete(name)
      const wide = this.#widen(name)
      // Nothing is wider than a credential's fence: beyond the limit the oldest of these are let go.
      if (this.#isRecent(at) && wide !== name) this.#recent.set(wide, now)
    }
  }

  /** Contact with Redis is lost. */
  lost(): void {
    this.#lostAt ??= this.#clock.monotonic()
  }

  owe(names: readonly Key[]): void {
    if (names.length === 0) return
    this.#revision++
    const wasCrowded = this.#pending.size > MAX_REMEMBERED
    for (const name of names) {
      this.#pending.set(wasCrowded ? this.#widen(name) : name, this.#revision)
    }
    // Once: what is left beyond the limit is wide already.
    if (wasCrowded || this.#pending.size <= MAX_REMEMBERED) return
    const all = this.names()
    this.#pending.clear()
    for (const name of all) this.#pending.set(this.#widen(name), this.#revision)
  }

  /** Redis was out of reach: it may have forgotten what it had been told. Gives what is to be told again. */
  repeat(): readonly Key[] {
    const names = [...this.#recent].filter(([, at]) => this.#isRecent(at)).map(([name]) => name)
    this.#lostAt = null
    this.owe(names)
    return names
  }

  /** What is pending, to be given to `settle` once Redis has taken it. */
  due(): ReadonlyMap<Key, number> {
    return new Map(this.#pending)
  }

  /**
   * Redis has changed them. What was added once more meanwhile stays: its write may be later than the change.
   *
   * @returns those that are no longer pending
   */
  settle(due: ReadonlyMap<Key, number>): readonly Key[] {
    const settled: Key[] = []
    for (const [name, revision] of due) {
      if (this.#pending.get(name) !== revision) continue
      this.#pending.delete(name)
      settled.push(name)
    }
    if (settled.length > 0) this.#revision++
    return settled
  }

  withoutPending(names: readonly Key[]): readonly Key[] {
    return names.filter((name) => !this.#pending.has(name))
  }

  names(): readonly Key[] {
    return [...this.#pending.keys()]
  }

  get size(): number {
    return this.#pending.size
  }

  get state(): PendingState {
    return [this.#revision, this.#pending.size]
  }

  #isRecent(at: number): boolean {
    return (this.#lostAt ?? this.#clock.monotonic()) - at < RECENT_MS
  }
}

/**
 * Writes under way, by the fence that each of them may change, with a time by which it is over whatever became
 * of it. A write that runs out of that time unsettled counts as a change.
 *
 * What anybody can send must not grow this without bound: beyond `max` entries a write is noted with the fence
 * of its whole tenant, and beyond twice as many with one fence that guards everything. Such an entry is not
 * taken back when the write settles; it runs out.
 */
import { type Key, widenedFence } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'

/** Stands for all writes that are no longer told apart. */
const CROWD = '*'
/** Guards every fence; no key is empty. */
export const EVERYTHING: Key = ''
/** How often what has run out is looked for, beside when it is asked for. */
const SWEEP_MS = 1_000

export interface PendingWritesOptions {
  readonly clock: Clock
  /** Pairs of a fence and a write that are told apart. */
  readonly max: number
  /** A write ran out unsettled: its fence has changed. Null: every fence has. */
  readonly onExpired: (name: Key | null) => void
}

export class PendingWrites {
  readonly #options: PendingWritesOptions
  /** Fence → id of the write → monotonic time by which it is over. */
  readonly #byName = new Map<Key, Map<string, number>>()
  #count = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(options: PendingWritesOptions) {
    this.#options = options
  }

  /** Pairs of a fence and a write. */
  get size(): number {
    return this.#count
  }

  /** Notes a write, or how much longer it is pending. */
  add(names: readonly Key[], write: string, lifetimeMs: number): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#sweptAt >= SWEEP_MS) this.#sweep(now)
    for (const name of names) this.#addOne(name, write, now + lifetimeMs)
  }

  remove(names: readonly Key[], write: string): void {
    for (const name of names) {
      const writes = this.#byName.get(name)
      if (writes?.delete(write)) this.#count--
      if (writes?.size === 0) this.#byName.delete(name)
    }
  }

  /** Whether a write to the fence is under way. What has run out is noticed here at the latest. */
  isPending(name: Key): boolean {
    if (this.#count === 0) return false
    const now = this.#options.clock.monotonic()
    // Everything first: when that runs out, each fence changes.
    const isAllPending = this.#expire(EVERYTHING, now)
    return this.#expire(name, now) || isAllPending
  }

  /** For one who only looks: nothing is noticed. */
  peek(name: Key): 'none' | 'pending' | 'expired' {
    const now = this.#options.clock.monotonic()
    const untils = [EVERYTHING, name].flatMap((each) => [
      ...(this.#byName.get(each)?.values() ?? []),
    ])
    if (untils.length === 0) return 'none'
    return untils.some((until) => now < until) ? 'pending' : 'expired'
  }

  #addOne(name: Key, write: string, until: number): void {
    const { max } = this.#options
    const writes = this.#byName.get(name)
    // guard: told-apart-writes
    if (writes?.has(write) || this.#count < max) this.#put(name, write, until)
    else if (this.#count < 2 * max) this.#put(widenedFence(name), CROWD, until)
    else this.#put(EVERYTHING, CROWD, until)
  }

  #put(name: Key, write: string, until: number): void {
    const writes = this.#byName.get(name) ?? new Map<string, number>()
    if (!writes.has(write)) this.#count++
    // One that stands for many lasts as long as the last of them.
    writes.set(write, write === CROWD ? Math.max(until, writes.get(write) ?? 0) : until)
    this.#byName.set(name, writes)
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const name of [...this.#byName.keys()]) this.#expire(name, now)
  }

  /** @returns whether a write to this very name is still under way */
  #expire(name: Key, now: number): boolean {
    const writes = this.#byName.get(name)
    if (writes === undefined) return false
    const before = writes.size
    for (const [write, until] of writes) if (now >= until) writes.delete(write)
    this.#count -= before - writes.size
    if (writes.size === 0) this.#byName.delete(name)
    // Also where others are under way: should they be rejected, this one has changed the fence all the same.
    if (writes.size < before) this.#options.onExpired(name === EVERYTHING ? null : name)
    return writes.size > 0
  }
}

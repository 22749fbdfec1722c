/**
 * What this process knows of the fences that all instances share. Synchronous: it is on the way of every hit.
 *
 * An entry learnt while the bus was live holds for as long as that stretch of the bus goes on unbroken: a
 * change would have been heard. One learnt without the bus holds for a second, come what may. Forgetting an
 * entry, for room or because it changed, costs a look into Redis and never a wrong answer.
 */
import type { FenceSight, FenceStamp } from '../cache/fence.ts'
import { type Key, tenantOfFence } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import { FairMap } from './fair-map.ts'
import { type Lease, NO_STRETCH } from './lease.ts'
import { PendingWrites } from './pending-writes.ts'

/** How long anything is believed that was learnt without the bus (`docs/coherence.md`). */
const UNHEARD_MS = 1_000
/** Before the value of a fence with writes under way, as the scripts give it. */
const PENDING_MARK = '!'
/** Pairs of a fence and a write through this instance that are told apart. */
export const MAX_PENDING_WRITES = 20_000

interface Known {
  /** Changes whenever the value may have; what flights are keyed by. */
  readonly revision: number
  readonly value: string | null
  readonly stretch: number
  readonly learntAt: number
}

/** Values that are being read from Redis; a change heard in between makes them worthless. */
export interface Reading {
  readonly names: readonly Key[]
  readonly stretch: number
  readonly askedAt: number
  readonly overtaken: Set<Key>
}

export class FenceTable {
  readonly #clock: Clock
  readonly #lease: Lease
  readonly #known: FairMap<Known>
  /** Writes through this instance, and blocks. */
  readonly #pending: PendingWrites
  readonly #readings = new Set<Reading>()
  #counter = 0

  constructor(clock: Clock, lease: Lease, maxFences: number) {
    this.#clock = clock
    this.#lease = lease
    this.#known = new FairMap(maxFences)
    this.#pending = new PendingWrites({
      clock,
      max: MAX_PENDING_WRITES,
      onExpired: (name) => (name === null ? this.#known.clear() : this.forget([name])),
    })
  }

  holds(stamp: FenceStamp): boolean {
    const now = this.#clock.monotonic()
    const stretch = this.#lease.at(now)
    for (const [name, value] of stamp) {
      // Asked first: a write that ran out of time makes the fence unknown.
      // guard: shared-pending
      if (this.#pending.isPending(name)) return false
      // `peek`: what is used need not move up; a fence that is forgotten costs a look into Redis.
      const known = this.#known.peek(name)
      if (known === undefined || known.value !== value || value.startsWith(PENDING_MARK))
        return false
      if (!isValid(known, stretch, now)) return false
    }
    return true
  }

  /** Equal texts: nothing was heard of a change in between. */
  revisions(names: readonly Key[]): string {
    const now = this.#clock.monotonic()
    return names.map((name) => this.#live(name, now).revision).join(',')
  }

  /** For one who only looks: nothing is learnt or forgotten. */
  sight(name: Key): FenceSight {
    const now = this.#clock.monotonic()
    const known = this.#known.peek(name)
    const write = this.#pending.peek(name)
    const isLive = known !== undefined && isValid(known, this.#lease.at(now), now)
    // A write that ran out of time, and that nobody has noticed yet, counts as a change.
    const value = isLive && write !== 'expired' ? known.value : null
    return {
      name,
      value,
      isPending: write === 'pending' || (value?.startsWith(PENDING_MARK) ?? false),
      mark: isLive ? String(known.revision) : null,
    }
  }

  /** The value, if it is known and still to be believed; null otherwise. */
  valueOf(name: Key): string | null {
    const now = this.#clock.monotonic()
    const known = this.#known.get(name)
    if (known === undefined || !isValid(known, this.#lease.at(now), now)) return null
    return known.value
  }

  /** A value for this process alone, for as long as Redis is not to be had. */
  privateValueOf(name: Key): string {
    const now = this.#clock.monotonic()
    const live = this.#live(name, now)
    if (live.value !== null) return live.value
    const value = `x${++this.#counter}`
    this.#remember(name, { ...live, value, stretch: NO_STRETCH, learntAt: now })
    return value
  }

  isPending(name: Key): boolean {
    return this.#pending.isPending(name) || (this.valueOf(name)?.startsWith(PENDING_MARK) ?? false)
  }

  /**
   * To be called before values are asked for. Replies and messages come by different connections:
   *
   * 1. We ask Redis for a fence; Redis reads the old value.
   * 2. Another instance changes the fence and says so on the bus; we hear it, and forget the fence.
   * 3. The reply of step 1 arrives. Believing it would bring the old value back, and nobody will say
   *    again that it changed.
   */
  beginReading(names: readonly Key[]): Reading {
    const askedAt = this.#clock.monotonic()
    const stretch = this.#lease.at(askedAt)
    const reading: Reading = { names, stretch, askedAt, overtaken: new Set() }
    this.#readings.add(reading)
    return reading
  }

  /**
   * A reply may have waited in its socket for as long as this process did something else. What it says was true
   * when it was asked for, and is believed from then on:
   *
   * 1. We ask Redis for a fence, which reads it. This process is stopped, or has no time, for five seconds.
   * 2. Another instance changes the fence. Our lease lapses; the message lies in the other socket.
   * 3. The reply of step 1 is read first. Believing it for a second from now on would be six seconds too long.
   *
   * @param values in the order of the reading's names; null: it could not be read
   * @returns false if one of them was overtaken, is missing, or came too late to be believed
   */
  endReading(reading: Reading, values: readonly (string | null)[]): boolean {
    this.#readings.delete(reading)
    const now = this.#clock.monotonic()
    const stretch = reading.stretch === this.#lease.at(now) ? reading.stretch : NO_STRETCH
    if (stretch === NO_STRETCH && now - reading.askedAt >= UNHEARD_MS) return false
    let isSound = true
    for (const [i, name] of reading.names.entries()) {
      const value = values[i] ?? null
      if (value === null || reading.overtaken.has(name)) isSound = false
      else this.#learn(name, value, stretch, reading.askedAt)
    }
    return isSound
  }

  forget(names: readonly Key[]): void {
    for (const name of names) {
      this.#known.delete(name)
      for (const reading of this.#readings) reading.overtaken.add(name)
    }
  }

  /** All fences have other values from now on. */
  forgetAll(): void {
    this.#known.clear()
    for (const reading of this.#readings) {
      for (const name of reading.names) reading.overtaken.add(name)
    }
  }

  /** From now on nothing that this fence guards is served or stored, for `lifetimeMs` at most. */
  mark(names: readonly Key[], write: string, lifetimeMs: number): void {
    this.#pending.add(names, write, lifetimeMs)
    this.forget(names)
  }

  unmark(names: readonly Key[], write: string): void {
    this.#pending.remove(names, write)
    this.forget(names)
  }

  #learn(name: Key, value: string, stretch: number, learntAt: number): void {
    const before = this.#known.get(name)
    const isSame = before !== undefined && (before.value === null || before.value === value)
    const revision = isSame ? before.revision : ++this.#counter
    // A writer that dies tells nobody; Redis lets its mark run out in silence.
    const lasting = value.startsWith(PENDING_MARK) ? NO_STRETCH : stretch
    this.#remember(name, { revision, value, stretch: lasting, learntAt })
  }

  /** Tenants share the room for fences fairly. */
  #remember(name: Key, known: Known): void {
    this.#known.set(name, { value: known, size: 1, tenant: tenantOfFence(name) })
  }

  /** The entry, made anew if there is none that is still to be believed. */
  #live(name: Key, now: number): Known {
    const known = this.#known.get(name)
    const stretch = this.#lease.at(now)
    if (known !== undefined && isValid(known, stretch, now)) return known
    const fresh: Known = { revision: ++this.#counter, value: null, stretch, learntAt: now }
    this.#remember(name, fresh)
    return fresh
  }
}

function isValid(known: Known, stretch: number, now: number): boolean {
  return known.stretch === NO_STRETCH
    ? now - known.learntAt < UNHEARD_MS
    : known.stretch === stretch
}

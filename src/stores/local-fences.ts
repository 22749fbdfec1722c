/**
 * Fences in this process: what a single instance without Redis runs on (design section 4).
 *
 * Values and marks are drawn from a counter, so none ever comes back. A fence that was evicted is missing, and a
 * missing fence holds nothing; it costs a miss, never a wrong answer. Fences with a write under way are
 * kept apart from these: forgetting one of those would let a fill in the middle of a write be stored.
 */
import {
  type FenceSight,
  type FenceStamp,
  type Fences,
  type OpenFence,
  type PendingWrite,
  type WriteFences,
  withMark,
} from '../cache/fence.ts'
import { type Key, tenantOfFence } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import { FairMap } from './fair-map.ts'

type Stamped = FenceStamp[number]

export interface LocalFencesOptions {
  readonly clock: Clock
  /** How many fences are remembered, which tenants share fairly. */
  readonly maxFences: number
}

export class LocalFences implements Fences, WriteFences {
  readonly #clock: Clock
  /** As they are stamped: records that are guarded by one fence have the very same pair. */
  readonly #values: FairMap<Stamped>
  /** Fence → id of the write → when that write is over, whatever became of it. */
  readonly #pending = new Map<Key, Map<string, number>>()
  /** The last value given out. */
  #counter = 0

  constructor({ clock, maxFences }: LocalFencesOptions) {
    this.#clock = clock
    this.#values = new FairMap(maxFences)
  }

  holds(stamp: FenceStamp): boolean {
    for (const stamped of stamp) {
      const [name, value] = stamped
      // `peek`: what is used need not move up; a fence that is evicted costs a miss.
      // Pending is asked first: a write that ran out of time changes the value.
      if (this.#isPending(name)) return false
      const known = this.#values.peek(name)
      if (known !== stamped && known?.[1] !== value) return false
    }
    return true
  }

  peek(names: readonly Key[]): string {
    return names.map((name) => this.#stamped(name)[1]).join(',')
  }

  sight(name: Key): FenceSight {
    const known = this.#values.peek(name)?.[1]
    const now = this.#clock.monotonic()
    const writes = this.#pending.get(name)
    const isPending = writes !== undefined && [...writes.values()].some((until) => now < until)
    // A write that ran out of time, and that nobody has noticed yet, counts as a change.
    const isChanged = writes !== undefined && !isPending
    const mark = known ?? null
    return { name, value: isChanged ? null : mark, isPending, mark }
  }

  async open(names: readonly Key[], kin: Key | null): Promise<OpenFence> {
    // Asked first: it notices writes that ran out of time, and that changes values.
    const pending = names.filter((name) => this.#isPending(name)).length > 0
    return {
      stamp: names.map((name) => this.#stamped(name)),
      pending,
      kin: kin === null ? null : this.#stamped(kin),
    }
  }

  async extend(open: OpenFence, families: readonly Key[]): Promise<FenceStamp | null> {
    if (!this.holds(open.stamp)) return null
    if (families.length === 0) return open.stamp
    if (open.kin === null || this.#values.get(open.kin[0])?.[1] !== open.kin[1]) return null
    if (families.some((name) => this.#isPending(name))) return null
    return [...open.stamp, ...families.map((name) => this.#stamped(name))]
  }

  /** @param id what the write is called in all processes, where there are several */
  async begin(
    names: readonly Key[],
    lifetimeMs: number,
    id = String(++this.#counter),
  ): Promise<PendingWrite> {
    const write = { id, names }
    const until = this.#clock.monotonic() + lifetimeMs
    for (const name of names) this.#markPending(name, write.id, until)
    await this.change(names)
    return write
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const until = this.#clock.monotonic() + holdMs
    const names = [...write.names, ...also]
    for (const name of names) {
      if (holdMs > 0) this.#markPending(name, write.id, until)
      else this.#unmarkPending(name, write.id)
    }
    await this.change(names)
  }

  async change(names: readonly Key[]): Promise<boolean> {
    for (const name of names) this.#set(name, this.#newValue())
    return true
  }

  async mark(names: readonly Key[]): Promise<boolean> {
    for (const name of names) {
      this.#set(name, withMark(this.#stamped(name)[1], this.#newValue()))
    }
    return true
  }

  #newValue(): string {
    return String(++this.#counter)
  }

  #set(name: Key, value: string): Stamped {
    const stamped: Stamped = [name, value]
    this.#values.set(name, { value: stamped, size: 1, tenant: tenantOfFence(name) })
    return stamped
  }

  #stamped(name: Key): Stamped {
    return this.#values.get(name) ?? this.#set(name, this.#newValue())
  }

  #markPending(name: Key, write: string, until: number): void {
    const writes = this.#pending.get(name)
    if (writes === undefined) this.#pending.set(name, new Map([[write, until]]))
    else writes.set(write, until)
  }

  #unmarkPending(name: Key, write: string): void {
    const writes = this.#pending.get(name)
    writes?.delete(write)
    if (writes?.size === 0) this.#pending.delete(name)
  }

  #isPending(name: Key): boolean {
    if (this.#pending.size === 0) return false
    const writes = this.#pending.get(name)
    if (writes === undefined) return false
    const now = this.#clock.monotonic()
    for (const [write, until] of writes) if (now >= until) writes.delete(write)
    if (writes.size > 0) return true
    // The write ran out of time, its outcome unseen: that counts as a change.
    this.#pending.delete(name)
    this.#set(name, this.#newValue())
    return false
  }
}

/**
 * Fences in this process: what a single instance without Redis runs on (docs/coherence.md).
 *
 * Values and marks are drawn from a counter, so none ever comes back. A fence that was evicted is missing, and a
 * missing fence holds nothing; it costs a miss, never a wrong answer. Writes under way are kept apart from
 * these: forgetting one of those would let a fill in the middle of a write be stored.
 */
import {
  type FenceSight,
  type FenceStamp,
  type FenceStore,
  type OpenFence,
  type PendingWrite,
  withMark,
} from '../cache/fence.ts'
import { type Key, tenantOfFence } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import { FairMap } from './fair-map.ts'
import { PendingWrites } from './pending-writes.ts'
import { ProvisionalNames } from './provisional-names.ts'

/** Pairs of a fence and a write under way that are told apart. */
export const MAX_PENDING_WRITES = 20_000

type Stamped = FenceStamp[number]

export interface LocalFencesOptions {
  readonly clock: Clock
  /** How many fences are remembered, which tenants share fairly. */
  readonly maxFences: number
}

export class LocalFences implements FenceStore {
  /** As they are stamped: records that are guarded by one fence have the very same pair. */
  readonly #values: FairMap<Stamped>
  /** Those of `#values` that nothing is stored under, made for a credential that may be nobody's. */
  readonly #provisional = new ProvisionalNames((name) => this.#values.delete(name))
  readonly #pending: PendingWrites
  /** The last value given out. */
  #counter = 0

  constructor({ clock, maxFences }: LocalFencesOptions) {
    this.#values = new FairMap(maxFences)
    this.#pending = new PendingWrites({
      clock,
      max: MAX_PENDING_WRITES,
      onExpired: (name) => (name === null ? this.#values.clear() : this.#change(name)),
    })
  }

  holds(stamp: FenceStamp): boolean {
    for (const stamped of stamp) {
      const [name, value] = stamped
      // `peek`: what is used need not move up; a fence that is evicted costs a miss.
      // Pending is asked first: a write that ran out of time changes the value.
      if (this.#pending.isPending(name)) return false
      const known = this.#values.peek(name)
      // guard: fence-compared
      if (known !== stamped && known?.[1] !== value) return false
    }
    return true
  }

  peek(names: readonly Key[]): string {
    return names.map((name) => this.#provisionally(name)[1]).join(',')
  }

  sight(name: Key): FenceSight {
    const mark = this.#values.peek(name)?.[1] ?? null
    const write = this.#pending.peek(name)
    // A write that ran out of time, and that nobody has noticed yet, counts as a change.
    return { name, value: write === 'expired' ? null : mark, isPending: write === 'pending', mark }
  }

  isInTouch(): boolean {
    return true
  }

  async open(names: readonly Key[], kin: Key | null, isProvisional = false): Promise<OpenFence> {
    // Asked first: it notices writes that ran out of time, and that changes values.
    const pending = names.filter((name) => this.#pending.isPending(name)).length > 0
    if (kin !== null) this.#pending.isPending(kin)
    const opened = (name: Key): Stamped => this.#opened(name, isProvisional)
    return { stamp: names.map(opened), pending, kin: kin === null ? null : opened(kin) }
  }

  async extend(open: OpenFence, families: readonly Key[]): Promise<FenceStamp | null> {
    if (!this.holds(open.stamp)) return null
    if (families.length === 0) return open.stamp
    if (families.some((name) => this.#pending.isPending(name))) return null
    if (open.kin === null || !this.#isUnchanged(open.kin)) return null
    return [...open.stamp, ...families.map((name) => this.#stamped(name))]
  }

  /** Whatever is under way, as long as nothing has changed yet. */
  #isUnchanged([name, value]: Stamped): boolean {
    // Asked first: a write that ran out of time changes the value.
    this.#pending.isPending(name)
    return this.#values.get(name)?.[1] === value
  }

  keep(stamp: FenceStamp): void {
    for (const [name] of stamp) this.#provisional.keep(name)
  }

  abandon(stamp: FenceStamp): void {
    // guard: provisional-fences-here
    for (const [name] of stamp) if (this.#provisional.abandon(name)) this.#values.delete(name)
  }

  /** @param id what the write is called in all processes, where there are several */
  async begin(
    names: readonly Key[],
    lifetimeMs: number,
    id = String(++this.#counter),
  ): Promise<PendingWrite> {
    // guard: pending-write
    this.#pending.add(names, id, lifetimeMs)
    return { id, names }
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const names = [...write.names, ...also]
    if (holdMs > 0) this.#pending.add(names, write.id, holdMs)
    else this.#pending.remove(names, write.id)
    await this.change(names)
  }

  async restore({ id, names }: PendingWrite): Promise<void> {
    // guard: restored-fence
    this.#pending.remove(names, id)
  }

  async change(names: readonly Key[]): Promise<boolean> {
    for (const name of names) this.#change(name)
    return true
  }

  async mark(names: readonly Key[]): Promise<boolean> {
    for (const name of names) {
      const known = this.#values.peek(name)
      if (known !== undefined) this.#set(name, withMark(known[1], this.#newValue()))
    }
    return true
  }

  #newValue(): string {
    return String(++this.#counter)
  }

  /** A fence that is missing counts as changed already. */
  #change(name: Key): void {
    if (this.#values.peek(name) !== undefined) this.#set(name, this.#newValue())
  }

  #set(name: Key, value: string): Stamped {
    const stamped: Stamped = [name, value]
    this.#values.set(name, { value: stamped, size: 1, tenant: tenantOfFence(name) })
    return stamped
  }

  #opened(name: Key, isProvisional: boolean): Stamped {
    // A credential that was accepted is not to lose its fences to one that was not.
    if (!isProvisional) this.#provisional.keep(name)
    const stamped = isProvisional ? this.#provisionally(name) : this.#stamped(name)
    if (isProvisional) this.#provisional.opened(name)
    return stamped
  }

  #provisionally(name: Key): Stamped {
    if (this.#values.peek(name) === undefined) this.#provisional.made(name)
    return this.#stamped(name)
  }

  #stamped(name: Key): Stamped {
    return this.#values.get(name) ?? this.#set(name, this.#newValue())
  }
}

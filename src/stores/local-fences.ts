/**
 * Fences in this process: what a single instance without Redis runs on (design section 4).
 *
 * Values are drawn from a counter, so none ever comes back. A fence that was evicted is missing, and a
 * missing fence holds nothing; it costs a miss, never a wrong answer. Fences with a write under way are
 * kept apart from the LRU: forgetting one of those would let a fill in the middle of a write be stored.
 */
import { LRUCache } from 'lru-cache'
import type { FenceStamp, Fences, OpenFence, PendingWrite, WriteFences } from '../cache/fence.ts'
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'

export interface LocalFencesOptions {
  readonly clock: Clock
  /** How many fences are remembered. */
  readonly maxFences: number
}

export class LocalFences implements Fences, WriteFences {
  readonly #clock: Clock
  readonly #values: LRUCache<Key, number>
  /** Fence → id of the write → when that write is over, whatever became of it. */
  readonly #pending = new Map<Key, Map<string, number>>()
  /** The last value given out; also the mark of a moment. */
  #counter = 0
  /** The moment of the last eviction: before it, "missing" no longer means "never changed". */
  #lastEviction = 0

  constructor({ clock, maxFences }: LocalFencesOptions) {
    this.#clock = clock
    this.#values = new LRUCache<Key, number>({
      max: maxFences,
      dispose: (_value, _name, reason) => {
        if (reason === 'evict') this.#lastEviction = ++this.#counter
      },
    })
  }

  holds(stamp: FenceStamp): boolean {
    for (const [name, value] of stamp) {
      if (String(this.#values.get(name)) !== value || this.#isPending(name)) return false
    }
    return true
  }

  peek(names: readonly Key[]): string {
    return names.map((name) => this.#valueOf(name)).join(',')
  }

  async open(names: readonly Key[]): Promise<OpenFence> {
    return {
      stamp: names.map((name) => [name, String(this.#valueOf(name))] as const),
      pending: names.some((name) => this.#isPending(name)),
      since: this.#counter,
    }
  }

  async extend(open: OpenFence, names: readonly Key[]): Promise<FenceStamp | null> {
    if (!this.holds(open.stamp)) return null
    const added: [Key, string][] = []
    for (const name of names) {
      if (!this.#isUnchangedSince(name, open.since)) return null
      added.push([name, String(this.#valueOf(name))])
    }
    return [...open.stamp, ...added]
  }

  async begin(names: readonly Key[], lifetimeMs: number): Promise<PendingWrite> {
    const write = { id: String(++this.#counter), names }
    const until = this.#clock.monotonic() + lifetimeMs
    for (const name of names) this.#mark(name, write.id, until)
    await this.change(names)
    return write
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const until = this.#clock.monotonic() + holdMs
    const names = [...write.names, ...also]
    for (const name of names) {
      if (holdMs > 0) this.#mark(name, write.id, until)
      else this.#unmark(name, write.id)
    }
    await this.change(names)
  }

  async change(names: readonly Key[]): Promise<void> {
    for (const name of names) this.#values.set(name, ++this.#counter)
  }

  #valueOf(name: Key): number {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const value = ++this.#counter
    this.#values.set(name, value)
    return value
  }

  #isUnchangedSince(name: Key, since: number): boolean {
    if (this.#isPending(name)) return false
    const value = this.#values.get(name)
    return value === undefined ? this.#lastEviction <= since : value <= since
  }

  #mark(name: Key, write: string, until: number): void {
    const writes = this.#pending.get(name)
    if (writes === undefined) this.#pending.set(name, new Map([[write, until]]))
    else writes.set(write, until)
  }

  #unmark(name: Key, write: string): void {
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
    this.#values.set(name, ++this.#counter)
    return false
  }
}

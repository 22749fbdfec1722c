/**
 * Whose records give way where tenants share a bound: for each tenant a list by recency, and the order between
 * tenants.
 *
 * A tenant's share is the bound divided by the tenants in use: those with a hit or a fill of late. The record that
 * gives way is the least recently used one of the tenant that is most above its share:
 *
 * - a tenant that is not in use has no share: it comes first, the one longest out of use before others;
 * - all others have the same share, so the one with most bytes is most above it. Where the bound is exceeded, it
 *   is above it: no tenant at or below its share is touched while another is above.
 *
 * With one tenant this is plain LRU.
 */
import type { TenantBytes } from '../cache/ports.ts'
import { MaxHeap } from './max-heap.ts'
import { NONE, type SlotList, SlotLists } from './slot-lists.ts'

/** How exactly it is known when a tenant was last in use, in milliseconds: a hit notes a period, and not the time. */
const PERIOD_MS = 60_000

/** The records of one tenant, which has at least one. */
interface TenantList extends TenantBytes, SlotList {
  bytes: number
  /** Number of the period of its last hit or fill. */
  usedIn: number
  /** Where the heap has it. */
  place: number
}

/** Records are numbered slots; what is in them, `fair-map.ts` knows. */
export class TenantLists {
  readonly #inUseMs: number
  readonly #slots = new SlotLists()
  /** By slot. */
  readonly #owners: TenantList[] = []
  readonly #sizes: number[] = []
  /** In the order of their last period of use; within one, of their first use in it. */
  readonly #lists = new Map<string, TenantList>()
  readonly #byBytes = new MaxHeap<TenantList>((list) => list.bytes)
  /** Number of the present period. It lasts until a record is added after `PERIOD_MS`. */
  #period = 0
  #periodStartedAt = -Infinity
  /** When the periods from `#firstInUse` on ended, the present one left out. Monotonic milliseconds. */
  readonly #ends: number[] = []
  /** Number of the first period whose tenants are still in use. */
  #firstInUse = 0

  /** @param inUseMs for which a tenant counts as in use after a hit or a fill; `Infinity`: all are */
  constructor(inUseMs: number) {
    this.#inUseMs = inUseMs
  }

  /** A hit. On the hit path: no allocation, and no clock. */
  use(slot: number): void {
    const list = this.#owners[slot] as TenantList
    if (list.usedIn !== this.#period) this.#noteUse(list)
    this.#slots.refresh(list, slot)
  }

  /**
   * A fill.
   *
   * @param size in the unit of the bound
   * @param now monotonic milliseconds
   * @returns the record's slot
   */
  add(tenant: string, size: number, now: number): number {
    this.#turn(now)
    const list = this.#lists.get(tenant) ?? this.#enter(tenant)
    if (list.usedIn !== this.#period) this.#noteUse(list)
    const slot = this.#slots.take()
    this.#owners[slot] = list
    this.#sizes[slot] = size
    this.#slots.prepend(list, slot)
    list.bytes += size
    this.#byBytes.grown(list)
    return slot
  }

  /** @returns the size that is free now */
  remove(slot: number): number {
    const list = this.#owners[slot] as TenantList
    const size = this.#sizes[slot] as number
    this.#slots.release(list, slot)
    list.bytes -= size
    if (list.oldest === NONE) this.#leave(list)
    else this.#byBytes.shrunk(list)
    return size
  }

  /** The slot of the record that gives way next. There is one. */
  victim(): number {
    const [longestUnused] = this.#lists.values() as Iterable<TenantList> as [TenantList]
    // guard: fair-eviction
    const list = this.#isInUse(longestUnused) ? (this.#byBytes.top as TenantList) : longestUnused
    return list.oldest
  }

  /** The tenants with most bytes, most first. */
  largest(count: number): readonly TenantBytes[] {
    return this.#byBytes.largest(count)
  }

  #isInUse({ usedIn }: TenantList): boolean {
    return usedIn >= this.#firstInUse
  }

  #noteUse(list: TenantList): void {
    list.usedIn = this.#period
    this.#lists.delete(list.tenant)
    this.#lists.set(list.tenant, list)
  }

  #enter(tenant: string): TenantList {
    const usedIn = this.#period
    const list = { tenant, bytes: 0, usedIn, newest: NONE, oldest: NONE, place: 0 }
    this.#lists.set(tenant, list)
    this.#byBytes.add(list)
    return list
  }

  #leave(list: TenantList): void {
    this.#lists.delete(list.tenant)
    this.#byBytes.remove(list)
  }

  /** Hits since the last fill may have been at any moment until now: their period ends no earlier. */
  #turn(now: number): void {
    if (now - this.#periodStartedAt >= PERIOD_MS) {
      this.#periodStartedAt = now
      this.#ends.push(now)
      this.#period++
    }
    while (this.#ends.length > 0 && (this.#ends[0] as number) <= now - this.#inUseMs) {
      this.#ends.shift()
      this.#firstInUse++
    }
  }
}

/**
 * A map with a bound that tenants share fairly: what gives way is chosen by `tenant-lists.ts`.
 *
 * One map for all tenants, and not an lru-cache for each: a look-up needs no tenant, and takes no longer
 * (`docs/decisions/2026-11-30-memory-is-shared-fairly.md`).
 */
import type { TenantBytes } from '../cache/ports.ts'
import { TenantLists } from './tenant-lists.ts'

/** A value to be kept. */
export interface Addition<V> {
  readonly value: V
  /** In the unit of the map's bound. */
  readonly size: number
  /** Against whose share it counts. */
  readonly tenant: string
}

export class FairMap<V> {
  readonly #maxSize: number
  readonly #slots = new Map<string, number>()
  /** By slot; undefined where a slot is free. */
  readonly #keys: (string | undefined)[] = []
  readonly #values: (V | undefined)[] = []
  readonly #lists: TenantLists
  #size = 0
  #evictions = 0

  /** @param inUseMs as for `TenantLists` */
  constructor(maxSize: number, inUseMs = Infinity) {
    this.#maxSize = maxSize
    this.#lists = new TenantLists(inUseMs)
  }

  /** On the hit path. */
  get(key: string): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    this.#lists.use(slot)
    return this.#values[slot]
  }

  /** As `get`; it does not count as use. */
  peek(key: string): V | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#values[slot]
  }

  /**
   * A value that is larger than the map is not kept.
   *
   * @param now monotonic milliseconds; not needed where all tenants are in use
   */
  set(key: string, { value, size, tenant }: Addition<V>, now = 0): void {
    this.delete(key)
    if (size > this.#maxSize) return
    const slot = this.#lists.add(tenant, size, now)
    this.#slots.set(key, slot)
    this.#keys[slot] = key
    this.#values[slot] = value
    this.#size += size
    // guard: memory-budget
    while (this.#size > this.#maxSize) this.#evict()
  }

  delete(key: string): void {
    const slot = this.#slots.get(key)
    if (slot !== undefined) this.#remove(slot)
  }

  clear(): void {
    for (const slot of [...this.#slots.values()]) this.#remove(slot)
  }

  largestTenants(count: number): readonly TenantBytes[] {
    return this.#lists.largest(count)
  }

  /** In the unit of the bound. */
  get size(): number {
    return this.#size
  }

  get count(): number {
    return this.#slots.size
  }

  /** Values that made room for others, so far. */
  get evictions(): number {
    return this.#evictions
  }

  #evict(): void {
    this.#remove(this.#lists.victim())
    this.#evictions++
  }

  #remove(slot: number): void {
    this.#slots.delete(this.#keys[slot] as string)
    this.#keys[slot] = undefined
    this.#values[slot] = undefined
    this.#size -= this.#lists.remove(slot)
  }
}

/**
 * How much of the upstream one tenant may take (reliability S11): so many requests at once, so many waiting
 * for a place, and no read while the upstream has asked that tenant to wait.
 */
import type { Clock } from '../lib/clock.ts'
import type { Presence } from '../lib/presence.ts'
import { type Entrant, type Entry, Lanes } from './lanes.ts'

/** Longest that a `Retry-After` is heeded. */
const LONGEST_HOLD_MS = 30_000
/** Tenants whose hold is remembered; beyond, the oldest is forgotten. */
const MAX_HELD = 10_000

export class TenantGate {
  /** Of tenants that have something under way: no more than there are places in all, or who wait for one. */
  readonly #lanes = new Map<string, Lanes>()
  /** Tenant → monotonic milliseconds. */
  readonly #heldUntil = new Map<string, number>()
  readonly #clock: Clock
  readonly #maxActive: number

  /** @param maxActive requests of one tenant that may be under way at once */
  constructor(clock: Clock, maxActive: number) {
    this.#clock = clock
    this.#maxActive = maxActive
  }

  /** The upstream has answered 429. @param milliseconds as its `Retry-After` says */
  hold(tenant: string, milliseconds: number): void {
    this.#heldUntil.delete(tenant)
    this.#heldUntil.set(tenant, this.#clock.monotonic() + Math.min(milliseconds, LONGEST_HOLD_MS))
    const [oldest] = this.#heldUntil.keys()
    // guard: held-tenants
    if (this.#heldUntil.size > MAX_HELD && oldest !== undefined) this.#heldUntil.delete(oldest)
  }

  /** Milliseconds for which the upstream wants to be left alone by this tenant; 0: it does not. */
  heldFor(tenant: string): number {
    const until = this.#heldUntil.get(tenant)
    if (until === undefined) return 0
    const left = until - this.#clock.monotonic()
    if (left <= 0) this.#heldUntil.delete(tenant)
    return Math.max(0, left)
  }

  /** How many wait for a place of their tenant. */
  get waiting(): number {
    let waiting = 0
    for (const lanes of this.#lanes.values()) waiting += lanes.waiting
    return waiting
  }

  /** The tenant has as many under way, and as many waiting, as it may. */
  isFull(tenant: string, isAccepted: boolean): boolean {
    return this.#lanes.get(tenant)?.isFull(isAccepted) ?? false
  }

  /** As `Lanes.tryEnter`. */
  tryEnter(tenant: string, isAccepted: boolean): boolean {
    return this.#lanesOf(tenant).tryEnter(isAccepted)
  }

  /** As `Lanes.enter`. */
  enter(
    tenant: string,
    entrant: Entrant,
    patienceMs: number,
    presence: Presence | null = null,
  ): Promise<Entry> {
    return this.#lanesOf(tenant).enter(entrant, patienceMs, presence)
  }

  leave(tenant: string, isAccepted: boolean): void {
    const lanes = this.#lanes.get(tenant)
    lanes?.leave(isAccepted)
    if (lanes?.isIdle) this.#lanes.delete(tenant)
  }

  #lanesOf(tenant: string): Lanes {
    let lanes = this.#lanes.get(tenant)
    if (lanes === undefined) {
      lanes = new Lanes(this.#clock, this.#maxActive)
      this.#lanes.set(tenant, lanes)
    }
    return lanes
  }
}

/**
 * How much of the upstream one tenant may take (reliability S11): so many reads at once, so many waiting
 * for their turn, and none while the upstream has asked that tenant to wait.
 */
import type { Clock } from '../lib/clock.ts'

/** Reads of one tenant that wait for their turn; more are refused at once. */
const MAX_WAITING = 1_000
/** Longest that a `Retry-After` is heeded. */
const LONGEST_HOLD_MS = 30_000
/** Tenants whose hold is remembered; beyond, the oldest is forgotten. */
const MAX_HELD = 10_000

interface Lane {
  active: number
  readonly waiting: Set<(isTurn: boolean) => void>
}

export class TenantGate {
  readonly #lanes = new Map<string, Lane>()
  /** Tenant → monotonic milliseconds. */
  readonly #heldUntil = new Map<string, number>()
  readonly #clock: Clock
  readonly #maxActive: number

  /** @param maxActive reads of one tenant that may be under way at once */
  constructor(clock: Clock, maxActive: number) {
    this.#clock = clock
    this.#maxActive = maxActive
  }

  /** The upstream has answered 429. @param milliseconds as its `Retry-After` says */
  hold(tenant: string, milliseconds: number): void {
    this.#heldUntil.delete(tenant)
    this.#heldUntil.set(tenant, this.#clock.monotonic() + Math.min(milliseconds, LONGEST_HOLD_MS))
    const [oldest] = this.#heldUntil.keys()
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

  /**
   * @param patienceMs how long to wait for a turn
   * @returns `full`: at once; `late`: no turn came in time; `in`: `leave` must follow
   */
  async enter(tenant: string, patienceMs: number): Promise<'in' | 'full' | 'late'> {
    const lane = this.#lanes.get(tenant) ?? { active: 0, waiting: new Set() }
    this.#lanes.set(tenant, lane)
    if (lane.active < this.#maxActive) {
      lane.active++
      return 'in'
    }
    if (lane.waiting.size >= MAX_WAITING) return 'full'
    const isTurn = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        lane.waiting.delete(wake)
        resolve(false)
      }, patienceMs)
      const wake = (turn: boolean): void => {
        clearTimeout(timer)
        resolve(turn)
      }
      lane.waiting.add(wake)
    })
    return isTurn ? 'in' : 'late'
  }

  /** Whoever has waited longest takes the place. */
  leave(tenant: string): void {
    const lane = this.#lanes.get(tenant)
    if (lane === undefined) return
    const [next] = lane.waiting
    if (next !== undefined) {
      lane.waiting.delete(next)
      next(true)
      return
    }
    lane.active--
    if (lane.active === 0) this.#lanes.delete(tenant)
  }
}

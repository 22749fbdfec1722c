/**
 * Places on the connections to the upstream. Each request takes one of its tenant's, then one of each share of all:
 * the narrowest first, so that who waits for its own tenant holds nothing that others want.
 */
import type { Clock } from '../lib/clock.ts'
import type { Presence } from '../lib/presence.ts'
import type { Entry, Lanes } from './lanes.ts'
import type { TenantGate } from './tenant-gate.ts'

/** Who asks the upstream. */
export interface Asker {
  /** Empty: without a tenant; all such requests count as one. */
  readonly tenant: string
  /** Stands for the credential; empty: there is none. */
  readonly partition: string
  /** The upstream has accepted the credential in this tenant of late. */
  readonly isAccepted: boolean
}

/** @param waitedMs 0: there was a place at once */
export type OnEntry = (entry: Entry, waitedMs: number) => void

export class Places {
  readonly #clock: Clock
  readonly #gate: TenantGate
  readonly #shares: readonly Lanes[]
  readonly #onEntry: OnEntry

  /**
   * @param shares the narrower first
   * @param onEntry called for each request, once
   */
  constructor(
    clock: Clock,
    gate: TenantGate,
    shares: readonly Lanes[],
    onEntry: OnEntry = () => {},
  ) {
    this.#clock = clock
    this.#gate = gate
    this.#shares = shares
    this.#onEntry = onEntry
  }

  /** Whether who asks now is refused, unless others have more waiting. */
  isFull({ tenant, isAccepted }: Pick<Asker, 'tenant' | 'isAccepted'>): boolean {
    if (this.#gate.isFull(tenant, isAccepted)) return true
    return this.#shares.some((share) => share.isFull(isAccepted))
  }

  /** Takes a place if there is one now. @returns whether `leave` must follow */
  tryTake(asker: Asker): boolean {
    const { tenant, isAccepted } = asker
    // guard: tenant-places
    if (!this.#gate.tryEnter(tenant, isAccepted)) return false
    let taken = 0
    for (const share of this.#shares) {
      if (!share.tryEnter(isAccepted)) {
        this.#giveBack(asker, taken)
        return false
      }
      taken++
    }
    this.#onEntry('in', 0)
    return true
  }

  /**
   * Waits for a place. `in`: `leave` must follow.
   *
   * @param deadline until when to wait, in monotonic milliseconds
   * @param presence of the client for whom it waits; null: it waits for itself
   */
  async take(asker: Asker, deadline: number, presence: Presence | null): Promise<Entry> {
    const from = this.#clock.monotonic()
    const entry = await this.#wait(asker, deadline, presence)
    this.#onEntry(entry, this.#clock.monotonic() - from)
    return entry
  }

  async #wait(asker: Asker, deadline: number, presence: Presence | null): Promise<Entry> {
    const { tenant, partition, isAccepted } = asker
    const left = (): number => Math.max(0, deadline - this.#clock.monotonic())
    const ofTenant = { party: partition, isAccepted }
    let entry = await this.#gate.enter(tenant, ofTenant, left(), presence)
    if (entry !== 'in') return entry
    const ofAll = { party: tenant, isAccepted }
    let taken = 0
    for (const share of this.#shares) {
      entry = await share.enter(ofAll, left(), presence)
      if (entry !== 'in') {
        this.#giveBack(asker, taken)
        return entry
      }
      taken++
    }
    return 'in'
  }

  leave(asker: Asker): void {
    this.#giveBack(asker, this.#shares.length)
  }

  #giveBack({ tenant, isAccepted }: Asker, shares: number): void {
    for (let i = shares - 1; i >= 0; i--) this.#shares[i]?.leave(isAccepted)
    this.#gate.leave(tenant, isAccepted)
  }
}

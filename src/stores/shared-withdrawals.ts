/**
 * Grants that the upstream has ended, taken out of Redis and out of the others' memory. What Redis or the bus has not
 * taken is told again: otherwise the grant would be found there once more, by this instance too when it has forgotten.
 *
 * An instance that was deaf when it was told goes on for as long as the grant lives, which is the bound for a role that
 * has changed (docs/sharing.md).
 */
import type { Key } from '../cache/key.ts'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisTier } from './redis-tier.ts'
import { Repeated } from './repeated.ts'

/** The oldest beyond it are found for as long as they live. */
const MAX_PENDING = 10_000

export interface SharedWithdrawalsOptions {
  readonly commands: Pick<RedisCommands, 'isUsable'>
  readonly store: Pick<RedisTier, 'withdraw'>
  readonly bus: Pick<Bus, 'publish'>
}

export class SharedWithdrawals {
  readonly #options: SharedWithdrawalsOptions
  readonly #pending: Repeated<{ readonly tenant: string }>

  constructor(options: SharedWithdrawalsOptions) {
    this.#options = options
    this.#pending = new Repeated({
      max: MAX_PENDING,
      isReady: () => options.commands.isUsable,
      // A grant that was given anew meanwhile is taken as well: that costs a call to the upstream.
      tell: (grant, { tenant }) => this.#tell(tenant, [grant]),
    })
  }

  async withdraw(tenant: string, grants: readonly Key[]): Promise<void> {
    if (await this.#tell(tenant, grants)) return
    for (const grant of grants) this.#pending.keep(grant, { tenant })
  }

  get size(): number {
    return this.#pending.size
  }

  close(): void {
    this.#pending.close()
  }

  /** False: not all of it was taken. */
  async #tell(tenant: string, grants: readonly Key[]): Promise<boolean> {
    const { store, bus } = this.#options
    // Both at once: the others are told whatever Redis does.
    const told = await Promise.all([
      store.withdraw(tenant, grants),
      bus.publish({ withdrawn: grants }),
    ])
    return told.every((isTaken) => isTaken)
  }
}

/**
 * Tenants whose cache is off, as all instances know it: in Redis for those that start later, on the bus for those
 * that run.
 *
 * ```
 *   <prefix>:off    hash    hash of the tenant → the tenant, sealed        no lifetime
 * ```
 *
 * It is read when Redis is to be had, and when the bus was not heard for a while. Reply and message come by
 * different connections:
 *
 * 1. We ask Redis; it answers with the old list.
 * 2. Another instance switches a tenant off, and says so; we hear it.
 * 3. The reply of step 1 arrives. Believing it would switch the tenant on again: so it is asked for once more.
 */
import { openBytes, sealBytes } from '../cache/frame.ts'
import type { SwitchedTenants } from '../cache/ports.ts'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { LIST_OFF, SWITCH } from './redis-scripts.ts'

export interface SharedSwitchesOptions {
  readonly commands: RedisCommands
  readonly keys: RedisKeys
  readonly bus: Pick<Bus, 'publish'>
  /** The first seals; all of them open. */
  readonly sealingKeys: readonly Buffer[]
  readonly tenants: SwitchedTenants
}

export class SharedSwitches {
  readonly #options: SharedSwitchesOptions
  /** Switched here, and not taken by Redis so far. */
  readonly #owed = new Map<string, boolean>()
  /** Counts what was switched, here or elsewhere. */
  #changes = 0

  constructor(options: SharedSwitchesOptions) {
    this.#options = options
  }

  /** @returns false if it could not be told yet: it will be as soon as Redis is to be had */
  async put(tenant: string, isOff: boolean): Promise<boolean> {
    this.#changes++
    this.#owed.set(tenant, isOff)
    return this.#tell(tenant, isOff)
  }

  /** Another instance has switched a tenant. */
  received([tenant, isOff]: readonly [tenant: string, isOff: boolean]): void {
    this.#changes++
    this.#owed.delete(tenant)
    this.#options.tenants.set(tenant, isOff)
  }

  /** Reads what may have been missed, after telling what is owed. */
  async catchUp(): Promise<void> {
    for (const [tenant, isOff] of this.#owed) {
      if (!(await this.#tell(tenant, isOff))) return
    }
    const { commands, keys, tenants } = this.#options
    const before = this.#changes
    const reply = await commands.run(LIST_OFF, [keys.off], [])
    if (!reply.ok || !Array.isArray(reply.value)) return
    if (this.#changes !== before) return this.catchUp()
    tenants.replace(reply.value.flatMap((sealed) => this.#opened(sealed) ?? []))
  }

  async #tell(tenant: string, isOff: boolean): Promise<boolean> {
    const { commands, keys, bus, sealingKeys } = this.#options
    const sealed = sealBytes(Buffer.from(tenant), sealingKeys[0] as Buffer, keys.off)
    const field = keys.switchOf(tenant)
    const reply = await commands.run(SWITCH, [keys.off], [field, isOff ? sealed : ''])
    const isTold = reply.ok && (await bus.publish({ switched: [tenant, isOff] }))
    if (isTold && this.#owed.get(tenant) === isOff) this.#owed.delete(tenant)
    return isTold
  }

  #opened(sealed: unknown): string | null {
    if (!Buffer.isBuffer(sealed)) return null
    for (const key of this.#options.sealingKeys) {
      const plain = openBytes(sealed, key, this.#options.keys.off)
      if (plain !== null) return plain.toString()
    }
    return null
  }
}

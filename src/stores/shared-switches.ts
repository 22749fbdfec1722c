/**
 * Tenants whose cache is off, as all instances know it: in Redis for those that start later, on the bus for those
 * that run.
 *
 * ```
 *   <prefix>:off                  hash    name of the tenant → its switch, sealed        no lifetime
 *   <prefix>:on:{<prefix>:off}    hash    the same, of those that were switched on again
 * ```
 *
 * They are read when Redis is to be had, when the bus was not heard for a while, and from time to time. Redis may lose
 * them; a tenant is switched on by an operator, and not by that. So what is missing there, or older than what is known
 * here, is put back, and who has just come asks the others what they know.
 *
 * Reply and message come by different connections, and may overtake each other; of two switches of a tenant the later
 * one holds, wherever it came from (`switch-register.ts`).
 */
import { openBytes, sealBytes } from '../cache/frame.ts'
import type { SwitchedTenants } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus, BusMessage } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { LIST_SWITCHES, SWITCH } from './redis-scripts.ts'
import { MAX_SWITCHES, type Switch, SwitchRegister, switchOf } from './switch-register.ts'

/** How long what Redis has lost may be missing there. Milliseconds. */
const LOOK_MS = 20_000
/** How often what Redis or the bus has not taken is told again. Milliseconds. */
const RETRY_MS = 1_000
/** Bytes of one value: a tenant, a time and the seal. */
const MAX_VALUE_BYTES = 512

export interface SwitchObserver {
  /** So many switches were missing in Redis, and are put back. */
  switchesMissing(count: number): void
  /** So many values are no switches that can be read: of another secret or version, or somebody else's. */
  switchesUnreadable(count: number): void
}

export interface SharedSwitchesOptions {
  readonly commands: Pick<RedisCommands, 'run'>
  readonly keys: RedisKeys
  readonly bus: Pick<Bus, 'publish'>
  readonly clock: Clock
  /** The first seals; all of them open. */
  readonly sealingKeys: readonly Buffer[]
  readonly tenants: SwitchedTenants
  readonly observer: SwitchObserver
}

export class SharedSwitches {
  readonly #options: SharedSwitchesOptions
  readonly #register = new SwitchRegister()
  /** Switched here, and not taken by Redis or the bus so far. */
  readonly #pending = new Map<string, Switch>()
  readonly #timers: readonly NodeJS.Timeout[]
  /** Counts what came to be known: a list that was asked for before is not to be compared with it. */
  #news = 0
  #unreadable = 0

  constructor(options: SharedSwitchesOptions) {
    this.#options = options
    this.#timers = [
      setInterval(() => void this.#look(), LOOK_MS * (0.8 + 0.4 * Math.random())),
      setInterval(() => this.#pending.size > 0 && void this.#look(), RETRY_MS),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  /** @returns false if it could not be told yet: it will be as soon as Redis is to be had */
  async put(tenant: string, isOff: boolean): Promise<boolean> {
    const made = this.#register.set(tenant, isOff, this.#options.clock.wall())
    this.#news++
    this.#pending.set(tenant, made)
    return this.#tell(made)
  }

  /** What another instance knows, or asks for. */
  received({ switched, asksSwitches }: BusMessage): void {
    this.#learn(switched ?? [])
    const { all } = this.#register
    if (asksSwitches === true && all.length > 0) {
      void this.#options.bus.publish({ switched: all })
    }
  }

  /** After a start or a gap: what may have been missed is in Redis, or known to the others. */
  async catchUp(): Promise<void> {
    await this.#look()
    // guard: switches-asked-for
    await this.#options.bus.publish({ asksSwitches: true })
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** Reads what Redis has, after telling what is pending. */
  async #look(): Promise<void> {
    for (const made of this.#pending.values()) {
      if (!(await this.#tell(made))) return
    }
    const news = this.#news
    const listed = await this.#list()
    if (listed === null) return
    this.#learn(listed)
    // What was heard meanwhile may have been written after the list was read.
    // guard: switches-put-back
    const missing = this.#news === news ? this.#register.missingFrom(listed) : []
    if (missing.length === 0) return
    this.#options.observer.switchesMissing(missing.length)
    for (const each of missing) await this.#write(each)
  }

  #learn(switches: readonly Switch[]): void {
    for (const [tenant, isOff] of this.#register.merge(switches)) {
      this.#news++
      this.#pending.delete(tenant)
      this.#options.tenants.set(tenant, isOff)
    }
  }

  async #tell(made: Switch): Promise<boolean> {
    const { bus } = this.#options
    const isTold = (await this.#write(made)) && (await bus.publish({ switched: [made] }))
    const [tenant] = made
    if (isTold && this.#pending.get(tenant) === made) this.#pending.delete(tenant)
    return isTold
  }

  async #write(made: Switch): Promise<boolean> {
    const { commands, keys, sealingKeys } = this.#options
    const [tenant, isOff] = made
    const plain = Buffer.from(JSON.stringify(made))
    const sealed = sealBytes(plain, sealingKeys[0] as Buffer, keys.off)
    const [into, outOf] = isOff ? [keys.off, keys.on] : [keys.on, keys.off]
    const reply = await commands.run(SWITCH, [into, outOf], [keys.switchOf(tenant), sealed])
    return reply.ok
  }

  /** Null: Redis can't be asked. */
  async #list(): Promise<readonly Switch[] | null> {
    const { commands, keys, observer } = this.#options
    const limits = [MAX_SWITCHES, MAX_VALUE_BYTES]
    const reply = await commands.run(LIST_SWITCHES, [keys.off, keys.on], limits)
    if (!reply.ok || !Array.isArray(reply.value)) return null
    const [skipped, ...values] = reply.value as readonly unknown[]
    const switches = values.flatMap((sealed) => {
      const opened = this.#opened(sealed)
      return opened === null ? [] : [opened]
    })
    const unreadable = Number(skipped) + values.length - switches.length
    if (unreadable > 0 && unreadable !== this.#unreadable) observer.switchesUnreadable(unreadable)
    this.#unreadable = unreadable
    return switches
  }

  #opened(sealed: unknown): Switch | null {
    if (!Buffer.isBuffer(sealed)) return null
    for (const key of this.#options.sealingKeys) {
      const plain = openBytes(sealed, key, this.#options.keys.off)
      if (plain === null) continue
      try {
        return switchOf(JSON.parse(plain.toString()))
      } catch {
        // Sealed by us, and of another version.
        return null
      }
    }
    return null
  }
}

/**
 * Version pins as all instances know them. A hit must never hide a change of the pin, so what Redis or the others could
 * not be told is told again until they have it.
 */
import { LRUCache } from 'lru-cache'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { SET_PIN } from './redis-scripts.ts'
import { Repeated } from './repeated.ts'

/** What Redis was told of a pin a moment ago, it need not be told with every fill. */
const NOTED_MS = 10_000
const MAX_NOTED = 10_000
/** Of the oldest beyond it the others believe a former version for as long as a grant lives. */
const MAX_PENDING = 10_000

type Version = string | null

export interface SharedPinsOptions {
  readonly commands: Pick<RedisCommands, 'run' | 'isUsable'>
  readonly keys: RedisKeys
  readonly bus: Pick<Bus, 'publish'>
  readonly fenceLifetimeMs: number
}

export class SharedPins {
  readonly #options: SharedPinsOptions
  readonly #noted = new LRUCache<string, string>({ max: MAX_NOTED, ttl: NOTED_MS })
  /** Not taken by Redis, or by the bus: whether the others know of it is not known. */
  readonly #pending: Repeated<{ readonly version: Version }>

  constructor(options: SharedPinsOptions) {
    this.#options = options
    this.#pending = new Repeated({
      max: MAX_PENDING,
      isReady: () => options.commands.isUsable,
      tell: (partition, { version }) => this.#tell(partition, version, true),
    })
  }

  /**
   * A credential's pin as it is now; null: not known.
   *
   * @param isKept false: the credential may be nobody's. A pin that Redis has of it is changed, and none is made
   */
  async note(partition: string, version: Version, isKept = true): Promise<void> {
    const told = version ?? ''
    if (this.#noted.get(partition) === told) return
    if (isKept) this.#noted.set(partition, told)
    else this.#noted.delete(partition)
    // Told again from here on, it is this version and no earlier one.
    const wasPending = this.#pending.drop(partition)
    if (await this.#tell(partition, version, wasPending, isKept)) return
    const noted = this.#noted.get(partition)
    // A later one may have been noted meanwhile, which is told, or kept, by itself.
    const isLast = noted === undefined || noted === told
    // What anybody can make up is not to push out what is real.
    if (isLast && (isKept || wasPending)) this.#pending.keep(partition, { version })
  }

  /** Another instance has seen a change. */
  changed(partition: string): void {
    this.#noted.delete(partition)
  }

  get size(): number {
    return this.#pending.size
  }

  close(): void {
    this.#pending.close()
  }

  /**
   * @param wasPending Redis may have the change already, and only the others may lack it
   * @returns false if it is to be told again
   */
  async #tell(
    partition: string,
    version: Version,
    wasPending: boolean,
    isKept = true,
  ): Promise<boolean> {
    const { commands, keys, bus, fenceLifetimeMs } = this.#options
    const args = [version ?? '', fenceLifetimeMs, isKept || wasPending ? 1 : 0]
    const reply = await commands.run(SET_PIN, [keys.pin(partition)], args)
    if (!reply.ok) return false
    const isNews = reply.value === 1 || wasPending
    return !isNews || bus.publish({ pins: [[partition, version]] })
  }
}

/**
 * Version pins as all instances know them. A hit must never hide a change of the pin, so what Redis or the others could
 * not be told is told again until they have it.
 */
import { LRUCache } from 'lru-cache'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { SET_PIN } from './redis-scripts.ts'

/** What Redis was told of a pin a moment ago, it need not be told with every fill. */
const NOTED_MS = 10_000
const MAX_NOTED = 10_000
const RETRY_MS = 250
/** Pins that are told again; beyond it the oldest are let go of, and held by the others for as long as a grant lives. */
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
  readonly #pending = new Map<string, Version>()
  readonly #timer: NodeJS.Timeout
  #isRetrying = false

  constructor(options: SharedPinsOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#retry(), RETRY_MS)
    this.#timer.unref()
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
    const wasPending = this.#pending.delete(partition)
    const isTold = await this.#tell(partition, version, wasPending, isKept)
    // What anybody can make up is not to push out what is real.
    if (!isTold && (isKept || wasPending)) this.#keep(partition, version)
  }

  /** Another instance has seen a change. */
  changed(partition: string): void {
    this.#noted.delete(partition)
  }

  get size(): number {
    return this.#pending.size
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #keep(partition: string, version: Version): void {
    const noted = this.#noted.get(partition)
    // A later one was noted meanwhile, which is told, or kept, by itself.
    if (noted !== undefined && noted !== (version ?? '')) return
    this.#pending.set(partition, version)
    if (this.#pending.size <= MAX_PENDING) return
    for (const oldest of this.#pending.keys()) return void this.#pending.delete(oldest)
  }

  async #retry(): Promise<void> {
    if (this.#isRetrying || !this.#options.commands.isUsable) return
    this.#isRetrying = true
    for (const [partition, version] of [...this.#pending]) {
      if (this.#pending.get(partition) !== version) continue
      if (!(await this.#tell(partition, version, true))) break
      if (this.#pending.get(partition) === version) this.#pending.delete(partition)
    }
    this.#isRetrying = false
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

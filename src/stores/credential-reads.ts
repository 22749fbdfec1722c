/** What Redis knows of a credential itself: its fence and its version pin. Reads at the same time share one look. */
import { credentialFence } from '../cache/key.ts'
import type { FenceTable } from './fence-table.ts'
import { newValue } from './fence-value.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { READ_CREDENTIAL } from './redis-scripts.ts'

export interface CredentialReadsOptions {
  readonly commands: RedisCommands
  readonly keys: RedisKeys
  readonly table: FenceTable
  readonly fenceLifetimeMs: number
}

/** `pin`: the version last used upstream; null: not known. */
export interface CredentialFound {
  readonly pin: string | null
}

export class CredentialReads {
  readonly #options: CredentialReadsOptions
  readonly #underWay = new Map<string, Promise<CredentialFound | null>>()

  constructor(options: CredentialReadsOptions) {
    this.#options = options
  }

  /** Learns the fence on the way. Null: Redis can't be asked. */
  async read(partition: string): Promise<CredentialFound | null> {
    const known = this.#underWay.get(partition)
    if (known !== undefined) return known
    const look = this.#look(partition).finally(() => this.#underWay.delete(partition))
    this.#underWay.set(partition, look)
    return look
  }

  async #look(partition: string): Promise<CredentialFound | null> {
    const { commands, keys, table, fenceLifetimeMs } = this.#options
    const own = credentialFence(partition)
    const reading = table.beginReading([own])
    const reply = await commands.run(
      READ_CREDENTIAL,
      [keys.fence(own), keys.pin(partition)],
      [newValue(), fenceLifetimeMs],
    )
    const [value, pin] = reply.ok && Array.isArray(reply.value) ? reply.value : []
    table.endReading(reading, [Buffer.isBuffer(value) ? value.toString() : null])
    if (!reply.ok) return null
    return { pin: Buffer.isBuffer(pin) && pin.length > 0 ? pin.toString() : null }
  }
}

/** What Redis knows of a credential itself: its fence and its version pin. Reads at the same time share one look. */
import { credentialFence } from '../cache/key.ts'
import { newValue } from './fence-value.ts'
import { type FencedReadOptions, readFenced } from './fenced-read.ts'
import type { RedisKeys } from './redis-keys.ts'
import { READ_CREDENTIAL } from './redis-scripts.ts'

/** What a script gives in place of a value that it has removed. */
const NOT_OURS = 'bad'

export interface CredentialReadsOptions extends FencedReadOptions {
  readonly keys: RedisKeys
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

  /**
   * Learns the fence on the way. Null: Redis can't be asked.
   *
   * @param fenceMs lifetime of a fence that is made here
   */
  async read(partition: string, fenceMs: number): Promise<CredentialFound | null> {
    const known = this.#underWay.get(partition)
    if (known !== undefined) return known
    const look = this.#look(partition, fenceMs).finally(() => this.#underWay.delete(partition))
    this.#underWay.set(partition, look)
    return look
  }

  async #look(partition: string, fenceMs: number): Promise<CredentialFound | null> {
    const { keys } = this.#options
    const own = credentialFence(partition)
    const { values } = await readFenced(this.#options, {
      script: READ_CREDENTIAL,
      keys: [keys.fence(own), keys.pin(partition)],
      args: [newValue(), fenceMs],
      fences: [own],
      after: 0,
    })
    if (values === null) return null
    const pin = String((values[1] as readonly unknown[] | undefined)?.[0] ?? '')
    return { pin: pin === '' || pin === NOT_OURS ? null : pin }
  }
}

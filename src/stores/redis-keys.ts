/**
 * The names of things in Redis. Everything of a tenant shares one hash tag, everything of a credential
 * another, so that on a Cluster each script finds its keys in one slot.
 *
 * Records are named by an HMAC with `secret`. Fences, fill locks, version pins, switches and the hash tags are named
 * by one with `redis.nameSecret`, which all instances have in common while `secret` is being changed. Without it
 * they are named by a plain hash of ids that are few: whoever reads the names finds out which tenants and which
 * customers are in use by trying (docs/redis.md).
 */
import { createHash, createHmac } from 'node:crypto'
import { credentialFence, type Key, partsOf } from '../cache/key.ts'
import { deriveKey, sealedName } from '../lib/derive-key.ts'

/** Of 256 bits, 132 in base64url. */
const NAME_LENGTH = 22

export class RedisKeys {
  readonly #prefix: string
  readonly #database: number
  /** Part of the names of fences and pins: with another one all of them are missing. Null: it is not known yet. */
  epoch: string | null = null
  /** Null: names are plain hashes. */
  readonly #nameKey: Buffer | null
  /** Equal for two instances if they give the same names. */
  readonly fingerprint: string

  constructor(prefix: string, database: number, nameSecret: string | null = null) {
    this.#prefix = prefix
    this.#database = database
    this.#nameKey = nameSecret === null ? null : deriveKey(nameSecret, 'names')
    this.fingerprint = this.#nameOf('fingerprint')
  }

  #nameOf(text: string): string {
    const key = this.#nameKey
    // guard: secret-names
    const hash = key === null ? createHash('sha256') : createHmac('sha256', key)
    return hash.update(text).digest('base64url').slice(0, NAME_LENGTH)
  }

  /** What fences guard, and where they are kept: with the tenant's entries, or with the credential's. */
  slotOf(fence: Key): string {
    const [kind = '', owner = ''] = partsOf(fence)
    return this.#nameOf(`${kind === 'k' ? 'credential' : 'tenant'};${owner}`)
  }

  fence(name: Key): string {
    return `${this.#prefix}:{${this.slotOf(name)}}:f:${this.#nameOf(this.#inEpoch(name))}`
  }

  record(secret: string, tenant: string, key: Key): string {
    // guard: keyed-names
    return `${this.#prefix}:{${this.#nameOf(`tenant;${tenant}`)}}:${key.at(2) ?? '-'}:${sealedName(secret, key)}`
  }

  /** Who is filling `key` at the moment. */
  turn(tenant: string, key: Key): string {
    return `${this.#prefix}:{${this.#nameOf(`tenant;${tenant}`)}}:l:${this.#nameOf(key)}`
  }

  /** The version that a credential last used upstream. */
  pin(partition: string): string {
    return `${this.#prefix}:{${this.slotOf(credentialFence(partition))}}:p:${this.#nameOf(this.#inEpoch(partition))}`
  }

  /** Tenants whose cache is off. */
  get off(): string {
    return `${this.#prefix}:off`
  }

  /** Tenants whose cache was switched on again. On a Cluster it is in the slot of those that are off. */
  get on(): string {
    return `${this.#prefix}:on:{${this.off}}`
  }

  /** Who is in contact with Redis, and the epoch. */
  get roster(): string {
    return `${this.#prefix}:instances`
  }

  switchOf(tenant: string): string {
    return this.#nameOf(`tenant;${tenant}`)
  }

  /** With the number of the database: channels are of all databases of a server, where keys are of one. */
  get channel(): string {
    // guard: bus-of-database
    return `${this.#prefix}:bus:${this.#database}`
  }

  #inEpoch(name: string): string {
    return `${this.epoch ?? ''};${name}`
  }
}

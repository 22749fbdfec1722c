/**
 * The names of things in Redis. Everything of a tenant shares one hash tag, everything of a credential
 * another, so that on a Cluster each script finds its keys in one slot.
 *
 * No name tells a tenant, a record or a credential. Fences are named by a plain hash, the same under every
 * secret, so that instances agree on them while secrets rotate; records are named by a keyed one.
 */
import { createHash } from 'node:crypto'
import { credentialFence, type Key, partsOf } from '../cache/key.ts'
import { sealedName } from '../lib/derive-key.ts'

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

export class RedisKeys {
  readonly #prefix: string
  readonly #database: number
  /** Part of the names of fences and pins: with another one all of them are missing. Null: it is not known yet. */
  epoch: string | null = null

  constructor(prefix: string, database: number) {
    this.#prefix = prefix
    this.#database = database
  }

  /** What fences guard, and where they are kept: with the tenant's entries, or with the credential's. */
  slotOf(fence: Key): string {
    const [kind = '', owner = ''] = partsOf(fence)
    return hashOf(`${kind === 'k' ? 'credential' : 'tenant'};${owner}`)
  }

  fence(name: Key): string {
    return `${this.#prefix}:{${this.slotOf(name)}}:f:${hashOf(this.#inEpoch(name))}`
  }

  record(secret: string, tenant: string, key: Key): string {
    return `${this.#prefix}:{${hashOf(`tenant;${tenant}`)}}:${key.at(2) ?? '-'}:${sealedName(secret, key)}`
  }

  /** Who is filling `key` at the moment. */
  turn(tenant: string, key: Key): string {
    return `${this.#prefix}:{${hashOf(`tenant;${tenant}`)}}:l:${hashOf(key)}`
  }

  /** The version that a credential last used upstream. */
  pin(partition: string): string {
    return `${this.#prefix}:{${this.slotOf(credentialFence(partition))}}:p:${hashOf(this.#inEpoch(partition))}`
  }

  /** Tenants whose cache is off. */
  get off(): string {
    return `${this.#prefix}:off`
  }

  /** Who is in contact with Redis, and the epoch. */
  get roster(): string {
    return `${this.#prefix}:instances`
  }

  switchOf(tenant: string): string {
    return hashOf(`tenant;${tenant}`)
  }

  /** With the number of the database: channels are of all databases of a server, where keys are of one. */
  get channel(): string {
    return `${this.#prefix}:bus:${this.#database}`
  }

  #inEpoch(name: string): string {
    return `${this.epoch ?? ''};${name}`
  }
}

/**
 * The keys under which a credential's records are sealed in Redis. Made from the token itself, apart from its
 * partition: if a fault in our keys ever gave one credential's record to another, it could not be opened.
 */
import { LRUCache } from 'lru-cache'
import { deriveKey } from '../lib/derive-key.ts'

const REMEMBERED = 10_000

export class SealingKeys {
  readonly #secret: string
  readonly #known: LRUCache<string, Buffer>

  constructor(secret: string, maxRemembered = REMEMBERED) {
    this.#secret = secret
    this.#known = new LRUCache({ max: maxRemembered })
  }

  /** @param authorization a validated `Bearer <token>`; the letter case of the scheme makes no difference */
  forCredential(authorization: string, tenant: string): Buffer {
    const token = authorization.slice(authorization.indexOf(' ') + 1)
    const name = `${tenant.length}:${tenant}${token}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    // guard: seal-by-token
    const key = deriveKey(this.#secret, 'credential', tenant, token)
    this.#known.set(name, key)
    return key
  }
}

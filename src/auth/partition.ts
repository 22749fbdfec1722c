/**
 * From a credential to the partition that stands for it everywhere else. The token goes no further than
 * this file and the request to the upstream.
 */
import { createHmac } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** Recently seen credentials whose partition is remembered: computing it costs more than a look-up. */
const REMEMBERED = 10_000

export class Partitions {
  readonly #secret: string
  readonly #known = new LRUCache<string, string>({ max: REMEMBERED })

  constructor(secret: string) {
    this.#secret = secret
  }

  /**
   * HMAC-SHA-256(secret, exact token bytes), base64url.
   *
   * @param authorization a validated `Bearer <token>`; the scheme's letter case makes no difference,
   *   the token's does
   */
  of(authorization: string): string {
    const known = this.#known.get(authorization)
    if (known !== undefined) return known
    const token = authorization.slice(authorization.indexOf(' ') + 1)
    // guard: partition-is-keyed
    const partition = createHmac('sha256', this.#secret).update(token, 'latin1').digest('base64url')
    this.#known.set(authorization, partition)
    return partition
  }
}

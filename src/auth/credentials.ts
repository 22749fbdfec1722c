/**
 * Everything that stands for a credential elsewhere: its partition for keys, its seals for Redis, and a proof
 * of the token that is made apart from both. Under the present secret, and under those being retired.
 */
import { createHmac } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Partitions } from './partition.ts'
import { SealingKeys } from './sealing.ts'

export interface Credential {
  readonly partition: string
  readonly holder: string
  sealFor(tenant: string): Buffer
  readonly former: readonly Credential[]
}

const REMEMBERED = 10_000

export class Credentials {
  readonly #known = new LRUCache<string, Credential>({ max: REMEMBERED })
  readonly #make: (authorization: string) => Credential

  /**
   * @param secrets the present one first
   * @param partitionOf in tests, a faulty one
   */
  constructor(secrets: readonly string[], partitionOf?: (authorization: string) => string) {
    const makers = secrets.map((secret) => maker(secret, partitionOf))
    this.#make = (authorization) => {
      const [present, ...former] = makers.map((make) => make(authorization))
      return { ...(present as Credential), former }
    }
  }

  /**
   * The credential behind a partition, if its token was seen lately; null: who has it is not known. For
   * operators: it looks at each.
   */
  withPartition(partition: string): Credential | null {
    for (const known of this.#known.values()) if (known.partition === partition) return known
    return null
  }

  /** @param authorization a validated `Bearer <token>` */
  of(authorization: string): Credential {
    const known = this.#known.get(authorization)
    if (known !== undefined) return known
    const made = this.#make(authorization)
    this.#known.set(authorization, made)
    return made
  }
}

function maker(secret: string, partitionOf?: (authorization: string) => string) {
  const partitions = new Partitions(secret)
  const sealing = new SealingKeys(secret)
  return (authorization: string): Credential => {
    const token = authorization.slice(authorization.indexOf(' ') + 1)
    return {
      partition: partitionOf?.(authorization) ?? partitions.of(authorization),
      holder: createHmac('sha256', secret)
        .update(`holder;${token}`, 'latin1')
        .digest('base64url')
        .slice(0, 22),
      sealFor: (tenant) => sealing.forCredential(authorization, tenant),
      former: [],
    }
  }
}

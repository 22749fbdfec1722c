/**
 * How far freshness and entitlement are shared (`cache.sharing`), and the guard of the widest mode.
 *
 * `tenant` sharing is only right if every credential of a tenant sees the same fields. That can be
 * disproved by watching: data changes don't come back, two views do. A digest that returns after
 * another was seen, with no write in between, drops its tenant to `witnessed` for an hour.
 */
import type { Sharing } from './entitlement.ts'

const TRIP_MS = 3_600_000
/** Tenants that are told apart. When more have tripped, none shares plainly for as long as the last of them. */
const MAX_TRIPPED = 10_000
/** Enough to see two or a dozen views alternate; older ones are forgotten. */
const REMEMBERED_DIGESTS = 16

/** The digests of a view after one more was seen; `returned` if an earlier one came back. */
export function remember(
  digests: readonly string[],
  digest: string,
): { readonly digests: readonly string[]; readonly returned: boolean } {
  if (digests.at(-1) === digest) return { digests, returned: false }
  const returned = digests.includes(digest)
  return { digests: [...digests, digest].slice(-REMEMBERED_DIGESTS), returned }
}

export class SharingMode {
  readonly #configured: Sharing
  /** Tenant → until when it is tripped; the first to end comes first. */
  readonly #tripped = new Map<string, number>()
  /** Until when all are. */
  #allUntil = Number.NEGATIVE_INFINITY
  readonly #onTrip: (tenant: string) => void

  constructor(configured: Sharing, onTrip: (tenant: string) => void) {
    this.#configured = configured
    this.#onTrip = onTrip
  }

  /** For tenants that have not tripped. */
  get configured(): Sharing {
    return this.#configured
  }

  /** The mode that holds for a tenant now. Synchronous: it is on the way of every hit. */
  of(tenant: string, now: number): Sharing {
    if (this.#configured !== 'tenant' || this.#tripped.size === 0) return this.#configured
    if (now < this.#allUntil) return 'witnessed'
    const until = this.#tripped.get(tenant)
    if (until === undefined) return 'tenant'
    if (now < until) return 'witnessed'
    this.#tripped.delete(tenant)
    return 'tenant'
  }

  /** What a representation's key holds beside the digest: the partition, when freshness is private. */
  scopeOf(partition: string): string {
    return this.#configured === 'credential' ? partition : ''
  }

  trip(tenant: string, now: number): void {
    for (const [lapsed, until] of this.#tripped) {
      if (now < until) break
      this.#tripped.delete(lapsed)
    }
    this.#tripped.delete(tenant)
    if (this.#tripped.size < MAX_TRIPPED) this.#tripped.set(tenant, now + TRIP_MS)
    else this.#allUntil = now + TRIP_MS
    this.#onTrip(tenant)
  }

  /** Tenants that are tripped, lapsed ones included until the next one trips. */
  get trippedCount(): number {
    return this.#tripped.size
  }
}

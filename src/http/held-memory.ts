/** Memory for content that is held until it is whole: so much for all requests of this process together. */

/** Who sends the content. */
export interface ContentSender {
  readonly tenant: string
  /** Whether the API has accepted its credential in this tenant. */
  readonly isAccepted: boolean
}

/** Share of it that one tenant takes at most. */
const TENANT_SHARE = 0.5
/**
 * Share of it, and of a tenant's share, beyond which credentials take no more that the API has not accepted: who can
 * send any text as a token can't take the place of those who hold a real one.
 */
const UNACCEPTED_SHARE = 0.5

export class HeldMemory {
  readonly #maxBytes: number
  #bytes = 0
  /** Of tenants that have some. */
  readonly #byTenant = new Map<string, number>()

  /** @param maxBytes 0: nothing is held */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Taken, and not given back. */
  get bytes(): number {
    return this.#bytes
  }

  /** @returns false: there is not so much left for the sender, and nothing was taken */
  take(bytes: number, { tenant, isAccepted }: ContentSender): boolean {
    // guard: held-share
    const limit = isAccepted ? this.#maxBytes : this.#maxBytes * UNACCEPTED_SHARE
    if (this.#bytes + bytes > limit) return false
    const ofTenant = (this.#byTenant.get(tenant) ?? 0) + bytes
    // guard: tenant-held-share
    if (ofTenant > limit * TENANT_SHARE) return false
    this.#byTenant.set(tenant, ofTenant)
    this.#bytes += bytes
    return true
  }

  giveBack(bytes: number, { tenant }: ContentSender): void {
    const left = (this.#byTenant.get(tenant) ?? 0) - bytes
    if (left > 0) this.#byTenant.set(tenant, left)
    else this.#byTenant.delete(tenant)
    this.#bytes -= bytes
  }
}

/** Memory for content that is held until it is whole: so much for all requests of this process together. */

/**
 * Share of it beyond which credentials take no more that the API has not accepted: who can send any text as a token
 * can't take the place of those who hold a real one.
 */
const UNACCEPTED_SHARE = 0.5

export class HeldMemory {
  readonly #maxBytes: number
  #bytes = 0

  /** @param maxBytes 0: nothing is held */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Taken, and not given back. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * @param isAccepted whether the API has accepted the credential that sends this
   * @returns false: there is not so much left, and nothing was taken
   */
  take(bytes: number, isAccepted: boolean): boolean {
    // guard: held-share
    const limit = isAccepted ? this.#maxBytes : this.#maxBytes * UNACCEPTED_SHARE
    if (this.#bytes + bytes > limit) return false
    this.#bytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes
  }
}

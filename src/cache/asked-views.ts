/**
 * Views that are being asked for, and when they were refused meanwhile. Of a credential that the upstream has not
 * accepted no withdrawal is kept; what an older answer must not grant is known for as long as one may be to come:
 *
 * 1. A new credential reads; the upstream makes its answer, which dawdles.
 * 2. The record is taken away from it. It asks again, past the cache, and is refused.
 * 3. The answer of step 1 arrives. A grant of it would serve what was refused.
 */
import type { Key } from './key.ts'

interface Asked {
  askers: number
  /** When the last request left that was refused; monotonic milliseconds. */
  refusedAt: number
}

export class AskedViews {
  /** By the key of the grant; as many as there are requests under way. */
  readonly #asked = new Map<Key, Asked>()

  begin(grant: Key): void {
    const asked = this.#asked.get(grant)
    if (asked === undefined) {
      this.#asked.set(grant, { askers: 1, refusedAt: Number.NEGATIVE_INFINITY })
    } else asked.askers++
  }

  /** To be called once for each `begin`. */
  end(grant: Key): void {
    const asked = this.#asked.get(grant)
    if (asked !== undefined && --asked.askers === 0) this.#asked.delete(grant)
  }

  refused(grant: Key, sentAt: number): void {
    const asked = this.#asked.get(grant)
    if (asked !== undefined) asked.refusedAt = Math.max(asked.refusedAt, sentAt)
  }

  /** Whether a request was refused that left after `sentAt`. */
  wasRefusedSince(grant: Key, sentAt: number): boolean {
    const asked = this.#asked.get(grant)
    return asked !== undefined && asked.refusedAt > sentAt
  }
}

/**
 * Why the last answer for a view and a credential was not stored, for operators who ask. Bounded: the oldest is
 * forgotten.
 */
import type { Key } from './key.ts'
import type { RejectReason } from './outcome.ts'

const MAX_REMEMBERED = 1_000

export interface Reject {
  readonly reason: RejectReason
  /** The upstream's status. */
  readonly status: number
  /** When it was sent for. Monotonic milliseconds. */
  readonly at: number
}

export class LastRejects {
  readonly #rejects = new Map<Key, Reject>()

  /**
   * An answer has come.
   *
   * @param key of the grant that it did, or did not, become
   * @param reason null: it was stored
   */
  noted(
    key: Key,
    reason: RejectReason | null,
    { status, sentAt: at }: { readonly status: number; readonly sentAt: number },
  ): void {
    this.#rejects.delete(key)
    if (reason === null) return
    this.#rejects.set(key, { reason, status, at })
    const [oldest] = this.#rejects.keys()
    if (this.#rejects.size > MAX_REMEMBERED && oldest !== undefined) this.#rejects.delete(oldest)
  }

  of(key: Key): Reject | null {
    return this.#rejects.get(key) ?? null
  }
}

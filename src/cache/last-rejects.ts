/**
 * Why the last answer for a view and a credential was not stored, for operators who ask. Bounded: the oldest is
 * forgotten.
 */
import type { Key } from './key.ts'
import type { RejectReason } from './outcome.ts'
import { isErrorStatus } from './served.ts'

const MAX_REMEMBERED = 1_000
/** For so long, in milliseconds, a view whose answer could not be kept is expected not to be kept again. */
const UNCACHEABLE_MS = 10_000

export interface Reject {
  readonly reason: RejectReason
  /** The upstream's status. */
  readonly status: number
  /** When it was sent for. Monotonic milliseconds. */
  readonly at: number
  /** When it had come. Monotonic milliseconds. */
  readonly landedAt: number
}

export class LastRejects {
  readonly #rejects = new Map<Key, Reject>()

  /**
   * An answer has come.
   *
   * @param key of the grant that it did, or did not, become
   * @param reason null: it was stored
   * @param landedAt monotonic milliseconds
   */
  noted(
    key: Key,
    reason: RejectReason | null,
    { status, sentAt: at }: { readonly status: number; readonly sentAt: number },
    landedAt: number,
  ): void {
    this.#rejects.delete(key)
    if (reason === null) return
    this.#rejects.set(key, { reason, status, at, landedAt })
    const [oldest] = this.#rejects.keys()
    if (this.#rejects.size > MAX_REMEMBERED && oldest !== undefined) this.#rejects.delete(oldest)
  }

  of(key: Key): Reject | null {
    return this.#rejects.get(key) ?? null
  }

  /**
   * Whether the last answer could not be kept, not long ago: the next one may not be kept either, and whoever waited
   * for it would have to ask after all.
   *
   * @param now monotonic milliseconds
   */
  isUncacheable(key: Key, now: number): boolean {
    const reject = this.#rejects.get(key)
    if (reject === undefined || now - reject.landedAt >= UNCACHEABLE_MS) return false
    return isOfTheView(reject)
  }
}

/** Reasons that are not in the answer. */
const PASSING: ReadonlySet<RejectReason> = new Set(['fence', 'fences-unknown', 'superseded'])

/** Whether it is likely to be the same for the next answer. An error of the upstream passes, and so does a write. */
function isOfTheView({ reason, status }: Reject): boolean {
  return !PASSING.has(reason) && !isErrorStatus(status)
}

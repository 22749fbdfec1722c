/**
 * Fences that were made for requests under way whose credentials the upstream has not accepted, each with how many
 * such requests use it. When the last of them is over, and nothing was stored, nothing is left of the fence. So a
 * request that is refused takes nothing from one beside it that is not.
 */
import { LRUCache } from 'lru-cache'
import type { Key } from '../cache/key.ts'

/** Beyond this the oldest are given up. */
const MAX_NAMES = 10_000

export class ProvisionalNames {
  readonly #uses: LRUCache<Key, number>

  /** @param onGivenUp too many: nobody will say that this one is over */
  constructor(onGivenUp: (name: Key) => void = () => {}) {
    this.#uses = new LRUCache({
      max: MAX_NAMES,
      dispose: (_, name, reason) => {
        if (reason === 'evict') onGivenUp(name)
      },
    })
  }

  get size(): number {
    return this.#uses.size
  }

  /** @param uses how many use it so far */
  made(name: Key, uses = 0): void {
    this.#uses.set(name, uses)
  }

  /**
   * Whoever opens it says so once, and later `keep` or `abandon`.
   *
   * @returns false: it is none of these
   */
  opened(name: Key): boolean {
    const uses = this.#uses.get(name)
    if (uses !== undefined) this.#uses.set(name, uses + 1)
    return uses !== undefined
  }

  keep(name: Key): void {
    this.#uses.delete(name)
  }

  /** @returns whether the fence is to go */
  abandon(name: Key): boolean {
    const uses = this.#uses.get(name)
    if (uses === undefined) return false
    if (uses > 1) this.#uses.set(name, uses - 1)
    else this.#uses.delete(name)
    return uses <= 1
  }
}

/** Refreshes in the background: one at a time for each view, and with pauses where they fail. */
import type { Backoff } from './backoff.ts'
import type { Key } from './key.ts'

export class Refreshes {
  readonly #backoff: Backoff
  readonly #underWay = new Set<Key>()

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  /**
   * @param work does the refresh
   * @param hasFailed judges what came of it
   * @returns null: one is under way, or it is too early after one that failed
   * @throws what `work` throws; then the view may be refreshed again after a short pause
   */
  async run<T>(
    view: Key,
    work: () => Promise<T>,
    hasFailed: (done: T) => boolean,
  ): Promise<T | null> {
    if (this.#underWay.has(view) || this.#backoff.isPaused(view)) return null
    this.#underWay.add(view)
    try {
      const done = await work()
      if (hasFailed(done)) this.#backoff.failed(view)
      else this.#backoff.succeeded(view)
      return done
    } catch (error) {
      this.#backoff.faulted(view)
      throw error
    } finally {
      this.#underWay.delete(view)
    }
  }
}

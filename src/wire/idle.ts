/**
 * Ends connections on which nothing is asked any more. One timer looks after all of them: a timer for each would be
 * set anew at every read and every write, which was a fortieth of a hit.
 */

/** So many looks to a timeout: a connection is ended late by one of them at most, and never early. */
const LOOKS = 16

export interface Watched {
  /** The look that came next when it was last busy; null: it is busy. */
  readonly idleSince: number | null
  /** Ends it, unless it is busy. */
  endWhenIdle(): void
}

export class IdleWatch {
  readonly #watched = new Set<Watched>()
  readonly #timer: NodeJS.Timeout
  #look = 0

  /** @param timeoutMs how long a connection may be idle */
  constructor(timeoutMs: number) {
    this.#timer = setInterval(() => this.look(), timeoutMs / LOOKS)
    this.#timer.unref()
  }

  /** The number of the look that comes next. */
  get next(): number {
    return this.#look
  }

  add(one: Watched): void {
    this.#watched.add(one)
  }

  delete(one: Watched): void {
    this.#watched.delete(one)
  }

  /** Ends what has been idle since more than so many looks. */
  look(): void {
    this.#look++
    for (const one of this.#watched) {
      const { idleSince } = one
      if (idleSince !== null && this.#look - idleSince > LOOKS) one.endWhenIdle()
    }
  }

  /** Ends all that is idle, however short. */
  endAll(): void {
    for (const one of this.#watched) one.endWhenIdle()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

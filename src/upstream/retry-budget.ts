/**
 * How many reads may be sent a second time (reliability U5): one for every ten that were sent, so that
 * retries never double the load of an upstream in trouble.
 */
const SHARE = 0.1
/** What may be saved up in quiet times. */
const MOST = 10

export class RetryBudget {
  #left = MOST

  /** A read was sent. */
  earn(): void {
    this.#left = Math.min(MOST, this.#left + SHARE)
  }

  /** False: no retry is left. */
  spend(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

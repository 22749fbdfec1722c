/** Whether the client of a request still waits for its answer. Whoever works for it listens, one at a time. */
export class Presence {
  #hasGone = false
  #listener: (() => void) | null = null

  get hasGone(): boolean {
    return this.#hasGone
  }

  /** Takes the place of the listener before. Called once, when the client goes, or now if it has; null: nobody listens. */
  set onGone(listener: (() => void) | null) {
    if (this.#hasGone) listener?.()
    else this.#listener = listener
  }

  /** The client has gone. To be called by its front end; a second call changes nothing. */
  gone(): void {
    if (this.#hasGone) return
    this.#hasGone = true
    this.#listener?.()
    this.#listener = null
  }
}

/**
 * Whether a queue is under lasting overload (after CoDel, RFC 8289): from when every place has come late for a while,
 * until places have stayed free for a while. Pure, with time as a parameter.
 */

/** A place that comes later than this comes late. */
const TARGET_MS = 100
/** So long may places come late before it is overload, and so long must they stay free before it is over. */
const INTERVAL_MS = 500

export class QueueOverload {
  readonly #onChange: (isLasting: boolean) => void
  /** Monotonic milliseconds since which every place has come late. */
  #lateSince: number | null = null
  /** Monotonic milliseconds since which nobody has waited when a place became free. */
  #freeSince: number | null = null
  /** With a short queue no place is late, and the queue is empty for moments, and the load is the same. */
  #isLasting = false

  constructor(onChange: (isLasting: boolean) => void) {
    this.#onChange = onChange
  }

  get isLasting(): boolean {
    return this.#isLasting
  }

  /** One that waited has got its place. */
  served(waitedMs: number, now: number): void {
    this.#freeSince = null
    if (waitedMs < TARGET_MS) this.#lateSince = null
    this.waits(waitedMs, now)
  }

  /** The next to be served has waited so long, and waits on. */
  waits(waitedMs: number, now: number): void {
    if (waitedMs >= TARGET_MS) this.#lateSince ??= now
    if (this.#lateSince !== null && now - this.#lateSince >= INTERVAL_MS) this.#set(true)
  }

  /** A place became free, and nobody waited. @param isIdle nothing is under way either */
  rested(isIdle: boolean, now: number): void {
    this.#lateSince = null
    this.#freeSince ??= now
    if (isIdle || now - this.#freeSince >= INTERVAL_MS) this.#set(false)
  }

  #set(isLasting: boolean): void {
    if (isLasting === this.#isLasting) return
    this.#isLasting = isLasting
    this.#onChange(isLasting)
  }
}

/**
 * When a connection to Redis is made anew. At once where nobody was there: a failover is over soon. More and more
 * seldom where a server answers and will not do, since that lasts until somebody has seen to it.
 */

/** Full jitter below this: with 2 s the tier could not be back within 3 s (R3). Milliseconds. */
const MAX_PAUSE_MS = 700
const MIN_PAUSE_MS = 50
/** For as long a server that answers and is unfit is left alone: doubled each time, and below what R3 allows. */
const UNFIT_PAUSE_MS = 250
const MAX_UNFIT_PAUSE_MS = 2_000
/** Between connections that a server's replies put an end to; doubled while it goes on. */
const RECONNECT_EVERY_MS = 500
const MAX_RECONNECT_EVERY_MS = 8_000

/** Faults after which another connection may find the right server. */
const RECONNECT_ON = /^(READONLY|LOADING|MASTERDOWN)/

/** How long to wait before connecting again: longer where the last server answered and will not do. */
export class Pauses {
  #unfit = 0

  unfit(): void {
    this.#unfit++
  }

  fit(): void {
    this.#unfit = 0
  }

  /** Milliseconds. */
  next(): number {
    if (this.#unfit === 0) return MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS)
    const most = Math.min(MAX_UNFIT_PAUSE_MS, UNFIT_PAUSE_MS * 2 ** this.#unfit)
    return most * (0.5 + 0.5 * Math.random())
  }
}

/** Every reply of a server that has become a replica is such an error; one new connection at a time will do. */
export function reconnectSparingly(): (error: Error) => 1 | false {
  let isWaiting = false
  let everyMs = RECONNECT_EVERY_MS
  let calm: NodeJS.Timeout | undefined
  return ({ message }) => {
    if (isWaiting || !RECONNECT_ON.test(message)) return false
    isWaiting = true
    clearTimeout(calm)
    setTimeout(() => {
      isWaiting = false
    }, everyMs).unref()
    everyMs = Math.min(2 * everyMs, MAX_RECONNECT_EVERY_MS)
    calm = setTimeout(() => {
      everyMs = RECONNECT_EVERY_MS
    }, 2 * everyMs).unref()
    return 1
  }
}

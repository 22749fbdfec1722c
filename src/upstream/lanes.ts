/**
 * So many at once, the others in a queue that may be long in a burst and is short under lasting overload
 * (after CoDel, RFC 8289): once every turn has come late for a while, the queue is cut to what can be served
 * soon, and what does not fit is refused at once. So what is admitted stays quick, and nobody waits in vain.
 */
import type { Clock } from '../lib/clock.ts'

/** `full`: refused; `late`: no turn came in time; `in`: `leave` must follow. */
export type Entry = 'in' | 'full' | 'late'

/** Longest queue of all. */
const MAX_WAITING = 1_000
/** A turn that comes later than this comes late. */
const TARGET_MS = 100
/** So long may turns come late before the queue is cut, and so long must places stay free before it is not. */
const INTERVAL_MS = 500

interface Waiter {
  readonly since: number
  readonly settle: (entry: Entry) => void
}

export class Lanes {
  readonly #clock: Clock
  readonly #maxActive: number
  readonly #onChange: (isCut: boolean) => void
  readonly #waiting = new Set<Waiter>()
  #active = 0
  /** Monotonic milliseconds since which every turn has come late. */
  #lateSince: number | null = null
  /**
   * From then until places have stayed free for a while: with a short queue no turn is late, and it is empty for
   * moments, and the load is the same.
   */
  #isOverloaded = false
  /** Monotonic milliseconds since which nobody has waited when a place became free. */
  #freeSince: number | null = null

  /** @param onChange the queue is cut, or no longer */
  constructor(clock: Clock, maxActive: number, onChange: (isCut: boolean) => void = () => {}) {
    this.#clock = clock
    this.#onChange = onChange
    this.#maxActive = maxActive
  }

  get isIdle(): boolean {
    return this.#active === 0
  }

  /** Whoever comes now is refused. */
  get isFull(): boolean {
    return this.#active >= this.#maxActive && this.#waiting.size >= this.#longestQueue()
  }

  /** @param patienceMs how long to wait for a turn */
  async enter(patienceMs: number): Promise<Entry> {
    if (this.#active < this.#maxActive) {
      this.#active++
      return 'in'
    }
    if (this.isFull) return 'full'
    return new Promise<Entry>((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        resolve('late')
      }, patienceMs)
      const settle = (entry: Entry): void => {
        this.#waiting.delete(waiter)
        clearTimeout(timer)
        resolve(entry)
      }
      const waiter: Waiter = { since: this.#clock.monotonic(), settle }
      this.#waiting.add(waiter)
    })
  }

  /** Whoever has waited longest takes the place. */
  leave(): void {
    const [next] = this.#waiting
    const now = this.#clock.monotonic()
    if (next === undefined) {
      this.#lateSince = null
      this.#freeSince ??= now
      this.#active--
      const isOver = this.isIdle || now - this.#freeSince >= INTERVAL_MS
      if (isOver) this.#setOverloaded(false)
      return
    }
    this.#freeSince = null
    if (now - next.since < TARGET_MS) this.#lateSince = null
    else this.#lateSince ??= now
    if (this.#lateSince !== null && now - this.#lateSince >= INTERVAL_MS) this.#setOverloaded(true)
    next.settle('in')
    this.#cut()
  }

  /** Refuses those who have waited longest: they are the first to give up anyway. */
  #cut(): void {
    const longest = this.#longestQueue()
    for (const waiter of this.#waiting) {
      if (this.#waiting.size <= longest) return
      waiter.settle('full')
    }
  }

  #setOverloaded(isOverloaded: boolean): void {
    if (isOverloaded === this.#isOverloaded) return
    this.#isOverloaded = isOverloaded
    this.#onChange(isOverloaded)
  }

  #longestQueue(): number {
    return this.#isOverloaded ? Math.ceil(this.#maxActive / 2) : MAX_WAITING
  }
}

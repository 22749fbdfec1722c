/**
 * So many at once, the others in queues that may be long in a burst and are short under lasting overload
 * (`queue-overload.ts`): what does not fit is refused at once. So what is admitted stays quick, and nobody waits in vain.
 *
 * Credentials that the API has accepted and all others wait apart, and the others never hold the last eighth of the
 * places: who can send any text as a token can't keep out those who hold a real one.
 */
import type { Clock } from '../lib/clock.ts'
import type { Presence } from '../lib/presence.ts'
import { FairQueue } from './fair-queue.ts'
import { QueueOverload } from './queue-overload.ts'

/**
 * `in`: `leave` must follow; `full`: refused; `late`: no place came in time; `gone`: the client has left while it
 * waited.
 */
export type Entry = 'in' | 'full' | 'late' | 'gone'

export interface Entrant {
  /** Who wait are served in turn by party. */
  readonly party: string
  /** The API has accepted its credential. */
  readonly isAccepted: boolean
}

/** Longest queue of all. */
const MAX_WAITING = 1_000
/** Share of the places that only accepted credentials take. */
const RESERVED_SHARE = 1 / 8

interface Waiter {
  readonly since: number
  readonly settle: (entry: Entry) => void
}

/** One of the two kinds of entrants. */
interface Side {
  active: number
  readonly maxActive: number
  readonly waiting: FairQueue<Waiter>
  readonly overload: QueueOverload
}

export class Lanes {
  readonly #clock: Clock
  readonly #maxActive: number
  readonly #accepted: Side
  readonly #others: Side

  /** @param onChange the queue is cut, or no longer */
  constructor(clock: Clock, maxActive: number, onChange: (isCut: boolean) => void = () => {}) {
    this.#clock = clock
    this.#maxActive = maxActive
    let cut = 0
    const changed = (isLasting: boolean): void => {
      cut += isLasting ? 1 : -1
      if (cut === (isLasting ? 1 : 0)) onChange(isLasting)
    }
    this.#accepted = newSide(maxActive, changed)
    // guard: accepted-places
    this.#others = newSide(maxActive - Math.floor(maxActive * RESERVED_SHARE), changed)
  }

  get isIdle(): boolean {
    return this.#active === 0
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#accepted.waiting.size + this.#others.waiting.size
  }

  /** Whether who comes now is refused, unless another party has more waiting. */
  isFull(isAccepted: boolean): boolean {
    const side = this.#sideOf(isAccepted)
    return !this.#hasRoom(side) && this.#isQueueFull(side)
  }

  /** Takes a place if there is one now. @returns whether `leave` must follow */
  tryEnter(isAccepted: boolean): boolean {
    const side = this.#sideOf(isAccepted)
    if (!this.#hasRoom(side)) return false
    side.active++
    return true
  }

  /**
   * @param patienceMs how long to wait for a place
   * @param presence of the client for whom it waits; null: it waits for itself
   */
  async enter(
    { party, isAccepted }: Entrant,
    patienceMs: number,
    presence: Presence | null = null,
  ): Promise<Entry> {
    if (this.tryEnter(isAccepted)) return 'in'
    const { waiting } = this.#makeRoom(this.#sideOf(isAccepted), party) ?? {}
    if (waiting === undefined) return 'full'
    return new Promise<Entry>((resolve) => {
      const settle = (entry: Entry): void => {
        waiting.delete(party, waiter)
        clearTimeout(timer)
        if (presence !== null) presence.onGone = null
        resolve(entry)
      }
      const waiter: Waiter = { since: this.#clock.monotonic(), settle }
      const timer = setTimeout(settle, patienceMs, 'late')
      waiting.add(party, waiter)
      // guard: left-while-waiting
      if (presence !== null) presence.onGone = () => settle('gone')
    })
  }

  /** Gives the place to who has waited longest of those who may have it. */
  leave(isAccepted: boolean): void {
    const now = this.#clock.monotonic()
    const own = this.#sideOf(isAccepted)
    own.active--
    if (own.waiting.size === 0) own.overload.rested(own.active === 0, now)
    this.#serveNext(now)
    this.#cut(this.#accepted, now)
    this.#cut(this.#others, now)
  }

  #serveNext(now: number): void {
    const side = this.#nextSide()
    const next = side?.waiting.take()
    if (side === null || next === undefined) return
    side.active++
    side.overload.served(now - next.since, now)
    next.settle('in')
  }

  /** One side may wait long while the other is served: that is overload as well. */
  #cut(side: Side, now: number): void {
    const { waiting, overload } = side
    if (waiting.next !== undefined) overload.waits(now - waiting.next.since, now)
    while (waiting.size > this.#longestQueue(side)) refuseOne(side)
  }

  get #active(): number {
    return this.#accepted.active + this.#others.active
  }

  #sideOf(isAccepted: boolean): Side {
    return isAccepted ? this.#accepted : this.#others
  }

  #hasRoom({ active, maxActive }: Side): boolean {
    return active < maxActive && this.#active < this.#maxActive
  }

  #isQueueFull(side: Side): boolean {
    return side.waiting.size >= this.#longestQueue(side)
  }

  /** A place to wait in, if need be that of a party which has more of them; null: there is none. */
  #makeRoom(side: Side, party: string): Side | null {
    if (!this.#isQueueFull(side)) return side
    if (side.waiting.longest <= side.waiting.sizeOf(party) + 1) return null
    refuseOne(side)
    return side
  }

  /** Where the next waits who may come in. */
  #nextSide(): Side | null {
    const accepted = this.#nextOf(this.#accepted)
    const other = this.#nextOf(this.#others)
    if (accepted === undefined) return other === undefined ? null : this.#others
    return other === undefined || accepted.since <= other.since ? this.#accepted : this.#others
  }

  #nextOf(side: Side): Waiter | undefined {
    return this.#hasRoom(side) ? side.waiting.next : undefined
  }

  #longestQueue({ overload, maxActive }: Side): number {
    return overload.isLasting ? Math.ceil(maxActive / 2) : MAX_WAITING
  }
}

function newSide(maxActive: number, onChange: (isLasting: boolean) => void): Side {
  return {
    active: 0,
    maxActive,
    waiting: new FairQueue<Waiter>(),
    overload: new QueueOverload(onChange),
  }
}

/** Who has waited longest of the party with most: the first to give up anyway. */
function refuseOne({ waiting }: Side): void {
  waiting.takeFromLongest()?.settle('full')
}

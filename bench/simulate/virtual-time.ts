import type { Clock } from '../../src/lib/clock.ts'

interface Event {
  readonly at: number
  /** Breaks ties: what was planned first happens first. */
  readonly order: number
  readonly run: () => Promise<void> | void
}

const START_MS = 1_000_000

/** A clock that stands still between events and jumps to the next one. */
export class VirtualTime implements Clock {
  #now = START_MS
  #planned = 0
  #failure: unknown
  /** Binary heap, the earliest event first. */
  readonly #heap: Event[] = []

  monotonic(): number {
    return this.#now
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now
  }

  /** @param delayMs from now */
  after(delayMs: number, run: Event['run']): void {
    this.#push({ at: this.#now + delayMs, order: this.#planned++, run })
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve))
  }

  /** Runs until nothing is planned any more. Rejects with the first error of any event. */
  async run(): Promise<void> {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      this.#now = event.at
      const done = event.run()
      if (done !== undefined) done.catch((error: unknown) => this.#fail(error))
      // The core waits for promises only, never for a timer or a socket: when the microtasks are
      // done, everything that can happen at this moment has happened.
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}

import type { ReceivedRequest, RequestMatcher } from './journal.ts'

/** Where a request waits: before it is carried out, or with its answer ready. */
export type HoldPoint = 'arrival' | 'answer'

interface Held {
  readonly request: ReceivedRequest
  readonly go: () => void
}

/** Requests made to wait until a test lets them go; drives concurrency without sleeping. */
export class Hold {
  readonly #match: RequestMatcher
  readonly #point: HoldPoint
  readonly #ended: (hold: Hold) => void
  readonly #waiters = new Set<{ readonly count: number; readonly resolve: () => void }>()
  #held: Held[] = []
  #released = false

  constructor(match: RequestMatcher, point: HoldPoint, ended: (hold: Hold) => void) {
    this.#match = match
    this.#point = point
    this.#ended = ended
  }

  /** The requests held now, in order of arrival. */
  get requests(): ReceivedRequest[] {
    return this.#held.map(({ request }) => request)
  }

  /** Resolves when at least that many requests are held at the same time. */
  waiting(count = 1): Promise<void> {
    if (this.#held.length >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.add({ count, resolve })
    })
  }

  /** Lets the one held longest go; the hold stays. */
  releaseOne(): void {
    this.#held.shift()?.go()
  }

  /** Lets all go and ends the hold. */
  release(): void {
    this.#released = true
    this.#ended(this)
    for (const { go } of this.#held.splice(0)) go()
  }

  /** Waits here if the request is one of this hold's. */
  pass(point: HoldPoint, request: ReceivedRequest): Promise<void> {
    if (this.#released || point !== this.#point || !this.#match(request)) return Promise.resolve()
    return new Promise((go) => {
      this.#held.push({ request, go })
      for (const waiter of this.#waiters) {
        if (this.#held.length < waiter.count) continue
        this.#waiters.delete(waiter)
        waiter.resolve()
      }
    })
  }
}

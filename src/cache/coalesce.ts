/**
 * Many concurrent misses, one fill (`docs/request-lifecycle.md`, 4). A flight is registered under every
 * key by which another request may join it, for as long as it is in the air.
 */
import type { TraceContext } from '../lib/trace-context.ts'
import type { Key } from './key.ts'

/** Who asks the upstream. */
export interface Leader {
  /** Proof of the token that asked; only its bearer may use the answer without being given it itself. */
  readonly holder: string
  /** The request id that the upstream sees. */
  readonly requestId: string
  /** Where traces tell of the fill. */
  readonly fill: TraceContext
}

export interface Flight<T> extends Leader {
  readonly landed: Promise<T>
}

export class Coalescer<T> {
  readonly #flights = new Map<Key, Flight<T>>()

  find(key: Key): Flight<T> | undefined {
    // guard: one-flight
    return this.#flights.get(key)
  }

  /**
   * Starts `work` and registers it before anything else can run. It outlives the request that started
   * it: a leader whose client goes away still lands for its followers.
   */
  launch(keys: readonly Key[], who: Leader, work: () => Promise<T>): Flight<T> {
    const landed = work()
    const flight: Flight<T> = { ...who, landed }
    for (const key of keys) this.#flights.set(key, flight)
    // A newer flight may have taken a key over; that one stays.
    const land = (): void => {
      for (const key of keys) if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    landed.then(land, land)
    return flight
  }

  get size(): number {
    return this.#flights.size
  }
}

import { matchRoute } from './routes.ts'

/** A request as it arrived. `bodyLength` grows while the body does. */
export interface ReceivedRequest {
  readonly method: string
  /** The request target, byte for byte. */
  readonly url: string
  /** The target up to `?`. */
  readonly path: string
  /** Path template, or `unknown`. */
  readonly route: string
  readonly rawHeaders: readonly string[]
  bodyLength: number
}

/** Chooses requests. */
export type RequestMatcher = (request: ReceivedRequest) => boolean

/** How many requests came, in all and by `METHOD template` and `METHOD path`. */
export interface Counters {
  readonly total: number
  readonly routes: Readonly<Record<string, number>>
  readonly paths: Readonly<Record<string, number>>
}

interface Waiter {
  readonly satisfied: () => ReceivedRequest | undefined
  readonly resolve: (request: ReceivedRequest) => void
}

// A benchmark over a million customers must not grow the counters without end.
const MAX_COUNTED_PATHS = 100_000

/** Counts and remembers what the upstream received. `/__stats` and `/__control` are not counted. */
export class Journal {
  readonly #logLimit: number
  readonly #waiters = new Set<Waiter>()
  #total = 0
  #routes = new Map<string, number>()
  #paths = new Map<string, number>()
  #log: ReceivedRequest[] = []

  constructor(logLimit: number) {
    this.#logLimit = logLimit
  }

  /** Takes in a request whose head has arrived. */
  record(method: string, url: string, rawHeaders: readonly string[]): ReceivedRequest {
    const queryAt = url.indexOf('?')
    const path = queryAt < 0 ? url : url.slice(0, queryAt)
    const route = matchRoute(path)?.route.template ?? 'unknown'
    const request = { method, url, path, route, rawHeaders, bodyLength: 0 }
    this.#total += 1
    count(this.#routes, `${method} ${route}`)
    const pathKey = `${method} ${path}`
    if (this.#paths.size < MAX_COUNTED_PATHS || this.#paths.has(pathKey)) {
      count(this.#paths, pathKey)
    }
    this.#log.push(request)
    // Cut in halves, not one by one: that would copy the log with each request.
    if (this.#log.length > 2 * this.#logLimit) this.#log = this.#log.slice(-this.#logLimit)
    if (this.#waiters.size > 0) this.#wake()
    return request
  }

  get counters(): Counters {
    return {
      total: this.#total,
      routes: Object.fromEntries(this.#routes),
      paths: Object.fromEntries(this.#paths),
    }
  }

  /** The most recent requests, oldest first. */
  get log(): readonly ReceivedRequest[] {
    return this.#log.slice(-this.#logLimit)
  }

  /** How many came for one path (as received, without the query). */
  countOf(method: string, path: string): number {
    return this.#paths.get(`${method} ${path}`) ?? 0
  }

  /**
   * Resolves when that many requests have come in all, with the latest of them, or when one that
   * the matcher accepts has come, with that one. At once if it happened before.
   */
  received(wanted: number | RequestMatcher): Promise<ReceivedRequest> {
    const satisfied = () =>
      typeof wanted === 'function'
        ? this.#log.find(wanted)
        : this.#total >= wanted
          ? this.#log.at(-1)
          : undefined
    const already = satisfied()
    if (already !== undefined) return Promise.resolve(already)
    return new Promise((resolve) => {
      this.#waiters.add({ satisfied, resolve })
    })
  }

  /** Forgets all counts and the log. */
  reset(): void {
    this.#total = 0
    this.#routes = new Map()
    this.#paths = new Map()
    this.#log = []
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      const request = waiter.satisfied()
      if (request === undefined) continue
      this.#waiters.delete(waiter)
      waiter.resolve(request)
    }
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

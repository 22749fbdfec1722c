/** What all workers count and see, as one: asked of them when somebody wants to know. */
import type { Clock } from '../lib/clock.ts'
import { MergedMetrics, type ProcessMetrics } from '../ops/merged-metrics.ts'
import { mergedProblems, mergedTenants, type Observations } from '../ops/merged-observations.ts'
import { PrimaryMetrics } from '../ops/primary-metrics.ts'
import type {
  CarriedReply,
  CarriedRequest,
  PrimaryServerDependencies,
} from '../ops/primary-server.ts'
import type { Workers } from './workers.ts'

export type AskedWorkers = Pick<Workers, 'listening' | 'ask'>

/** Far more than an operator sets by hand. */
const MAX_SETTINGS = 1_000

/** Of the configuration. */
export type Shown = Pick<PrimaryServerDependencies['dashboard'], 'memoryMaxBytes' | 'upstreamName'>

export class Overview {
  readonly #workers: AskedWorkers
  readonly #merged = new MergedMetrics()
  readonly #own: PrimaryMetrics
  #observations: readonly Observations[] = []
  /** What was last set, by where: a worker that starts later must be told. */
  readonly #settings = new Map<string, CarriedRequest>()

  constructor(workers: AskedWorkers, clock: Clock) {
    this.#workers = workers
    this.#own = new PrimaryMetrics(clock.wall() / 1000, () => workers.listening.length)
  }

  /** A worker takes requests. */
  started(id: number): void {
    for (const request of this.#settings.values()) {
      void this.#workers.ask(id, { about: 'request', request })
    }
  }

  /** A worker has ended. */
  ended(id: number, isReplaced: boolean): void {
    if (isReplaced) this.#own.restarted()
    void this.#merged.depart(id)
  }

  async metrics(): Promise<ProcessMetrics> {
    await this.#learn()
    return this.#merged.of(await this.#own.values()).getMetricsAsJSON()
  }

  /** What a dashboard is made of. */
  dashboard(
    clock: Clock,
    isReady: () => boolean,
    shown: Shown,
  ): Omit<PrimaryServerDependencies['dashboard'], 'isOperator'> {
    let registry = this.#merged.of([])
    return {
      clock,
      isReady,
      ...shown,
      registry: { getSingleMetric: (name) => registry.getSingleMetric(name) },
      traffic: {
        top: (count) =>
          mergedTenants(this.#observations.map(({ tenants }) => tenants)).slice(0, count),
      },
      problems: { list: () => mergedProblems(this.#observations.map(({ problems }) => problems)) },
      refresh: async () => {
        await Promise.all([this.#learn(), this.#observe()])
        registry = this.#merged.of(await this.#own.values())
      },
    }
  }

  /**
   * What is to be set is set in all (`PUT` may be repeated by definition), what all have counted is added up;
   * the rest any worker can answer.
   */
  async carry(request: CarriedRequest): Promise<CarriedReply | null> {
    const { listening } = this.#workers
    const isTenants = request.method === 'GET' && /^\/admin\/tenants(\?|$)/.test(request.url)
    const ids = isTenants || request.method === 'PUT' ? listening : listening.slice(0, 1)
    const told = await Promise.all(
      ids.map((id) => this.#workers.ask(id, { about: 'request', request })),
    )
    const replies = told.filter((reply) => reply !== null) as CarriedReply[]
    const [first = null] = replies
    if (request.method === 'PUT' && first !== null && first.status < 300) this.#remember(request)
    return isTenants && first?.status === 200 ? withTenants(first, replies) : first
  }

  #remember(request: CarriedRequest): void {
    this.#settings.delete(request.url)
    this.#settings.set(request.url, request)
    const [oldest] = this.#settings.keys()
    if (this.#settings.size > MAX_SETTINGS && oldest !== undefined) this.#settings.delete(oldest)
  }

  /** Who hangs counts with what it last said; who has ended meanwhile was counted then. */
  async #learn(): Promise<void> {
    await Promise.all(
      this.#workers.listening.map(async (id) => {
        const metrics = await this.#workers.ask(id, { about: 'metrics' })
        if (metrics === null || !this.#workers.listening.includes(id)) return
        this.#merged.learn(id, metrics as ProcessMetrics)
      }),
    )
  }

  async #observe(): Promise<void> {
    const told = await Promise.all(
      this.#workers.listening.map((id) => this.#workers.ask(id, { about: 'observations' })),
    )
    this.#observations = told.filter((each) => each !== null) as Observations[]
  }
}

/** Each tells as many tenants as were asked for; so does the answer. */
function withTenants(first: CarriedReply, replies: readonly CarriedReply[]): CarriedReply {
  const lists = replies
    .filter(({ status }) => status === 200)
    .map(({ body }) => (JSON.parse(body) as Pick<Observations, 'tenants'>).tenants)
  const longest = Math.max(...lists.map(({ length }) => length))
  const rest = JSON.parse(first.body) as object
  const tenants = mergedTenants(lists).slice(0, longest)
  return { ...first, body: JSON.stringify({ ...rest, tenants }) }
}

/** What is counted of the upstream: connections, the queue for them, and calls that fail. */
import { Gauge, type Registry } from 'prom-client'
import type { FailedCall, UpstreamCause } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { type Count, CounterFamily, type Distribution, HistogramFamily } from './instruments.ts'
import type { UpstreamReporter } from './reporting.ts'
import {
  CONNECTION_STATES,
  type ConnectionState,
  forEachWord,
  UPSTREAM_CAUSES,
} from './vocabularies.ts'

/** What is asked when somebody wants to know. */
export interface UpstreamState {
  readonly connections: () => Readonly<Record<ConnectionState, number>>
  /** Requests that wait for a place. */
  readonly waiting: () => number
}

/** Seconds; up to the whole of `upstream.totalTimeoutMs`. */
const WAIT_BOUNDS = [0.001, 0.01, 0.1, 0.5, 2.5, 10]

export class UpstreamMetrics
  implements Pick<UpstreamReporter, 'upstreamFailed' | 'upstreamWaited'>
{
  readonly #errors: Readonly<Record<UpstreamCause, Count>>
  readonly #waits: Distribution

  constructor(registry: Registry, clock: Pick<Clock, 'wall'>, state: UpstreamState) {
    this.#errors = errorCounts(registry)
    this.#waits = new HistogramFamily(registry, clock, {
      name: 'layby_upstream_queue_wait_seconds',
      help: 'Time that requests have waited for a place among those under way to the API; 0 where one was free',
      labelNames: [],
      bounds: WAIT_BOUNDS,
    }).series({})
    addConnections(registry, state)
    addQueue(registry, state)
  }

  upstreamFailed({ cause }: FailedCall): void {
    this.#errors[cause].total++
  }

  upstreamWaited(milliseconds: number): void {
    this.#waits.observe(milliseconds / 1000)
  }
}

function errorCounts(registry: Registry) {
  const family = new CounterFamily(registry, {
    name: 'layby_upstream_errors_total',
    help: 'Calls to the API that have failed, by cause; an answer with status 5xx is none of them',
    labelNames: ['cause'],
  })
  return forEachWord(UPSTREAM_CAUSES, (cause) => family.series({ cause }))
}

function addConnections(registry: Registry, { connections }: UpstreamState): void {
  const states = Object.keys(CONNECTION_STATES) as ConnectionState[]
  new Gauge({
    name: 'layby_upstream_connections',
    help: 'Connections to the API, by what they do',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = connections()
      for (const state of states) this.set({ state }, now[state])
    },
  })
}

function addQueue(registry: Registry, { waiting }: UpstreamState): void {
  new Gauge({
    name: 'layby_upstream_queue_length',
    help: 'Requests that wait for a place among those under way to the API',
    registers: [registry],
    collect() {
      this.set(waiting())
    },
  })
}

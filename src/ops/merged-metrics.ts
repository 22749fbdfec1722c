/** The metrics of several processes as one. Counters and histograms are added up, gauges as befits them. */
import {
  AggregatorRegistry,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client'

export type ProcessMetrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/**
 * Gauges that are no sums. Those of the runtime say for themselves (prom-client's `aggregator`), but for the delay of
 * the event loop: a mean would hide the one process that hangs.
 */
const GAUGES: Readonly<Record<string, 'min' | 'max'>> = {
  layby_breaker_state: 'max',
  layby_build_info: 'max',
  layby_certificate_expiry_timestamp_seconds: 'min',
  layby_bus_live: 'min',
  layby_heap_used_ratio: 'max',
  layby_process_memory_limit_bytes: 'max',
  layby_redis_trusted: 'min',
  layby_redis_up: 'min',
  layby_redis_writable: 'min',
  layby_sharing_info: 'max',
  layby_sharing_tripped_tenants: 'max',
  layby_switched_off_tenants: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
  nodejs_eventloop_lag_seconds: 'max',
}

/** The primary's counts. */
const STARTED_AT = 'process_start_time_seconds'

export class MergedMetrics {
  readonly #last = new Map<number, ProcessMetrics>()
  /** What ended processes have counted: a counter that falls would look like a restart of all. */
  #departed: ProcessMetrics = []

  /** What a process says of itself now. */
  learn(id: number, metrics: ProcessMetrics): void {
    const told = metrics.filter(({ name }) => name !== STARTED_AT)
    this.#last.set(
      id,
      told.map((metric) => ({ ...metric, ...mergedBy(metric.name) })),
    )
  }

  /** The process has ended: what it had counted when it was last asked stays. */
  async depart(id: number): Promise<void> {
    const last = this.#last.get(id)
    this.#last.delete(id)
    if (last === undefined) return
    const counted = last.filter(
      ({ type }) => String(type) === 'counter' || String(type) === 'histogram',
    )
    this.#departed = await merged([this.#departed, counted]).getMetricsAsJSON()
  }

  /** @param own the primary's */
  of(own: ProcessMetrics): Registry {
    return merged([own, ...this.#last.values(), this.#departed])
  }
}

function mergedBy(name: string): { readonly aggregator?: 'min' | 'max' } {
  const aggregator = GAUGES[name]
  return aggregator === undefined ? {} : { aggregator }
}

function merged(parts: readonly ProcessMetrics[]): Registry {
  return AggregatorRegistry.aggregate(parts.map((part) => [...part]))
}

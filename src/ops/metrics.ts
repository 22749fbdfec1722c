/** Prometheus metrics (names: wire.md), filled from the same reports as the access log. Their meaning: `docs/metrics.md`. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { InstanceMetrics, type MetricsSources } from './instance-metrics.ts'
import { RequestMetrics } from './request-metrics.ts'

export class Metrics {
  readonly registry = new Registry()
  /** Both are to be added to those who hear of what happens. */
  readonly requests: RequestMetrics
  readonly instance: InstanceMetrics

  constructor(sources: MetricsSources) {
    this.requests = new RequestMetrics(this.registry, sources.clock)
    this.instance = new InstanceMetrics(this.registry, sources)
    collectDefaultMetrics({ register: this.registry })
  }
}

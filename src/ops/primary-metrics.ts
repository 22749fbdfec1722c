/** What the primary of several processes counts itself. */
import { Counter, Gauge, Registry } from 'prom-client'
import { addLogMetrics } from './log-metrics.ts'
import type { ProcessMetrics } from './merged-metrics.ts'

export class PrimaryMetrics {
  readonly registry = new Registry()
  readonly #restarts: Counter

  /** @param startedAt seconds since 1970-01-01 UTC */
  constructor(startedAt: number, listening: () => number) {
    const registers = [this.registry]
    addLogMetrics(this.registry)
    this.#restarts = new Counter({
      name: 'layby_worker_restarts_total',
      help: 'Worker processes that ended unasked, and were started anew',
      registers,
    })
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'When the primary began, in seconds since 1970-01-01 UTC',
      registers,
    }).set(startedAt)
    new Gauge({
      name: 'layby_workers_listening',
      help: 'Worker processes that take requests',
      registers,
      collect() {
        this.set(listening())
      },
    })
  }

  restarted(): void {
    this.#restarts.inc()
  }

  async values(): Promise<ProcessMetrics> {
    return this.registry.getMetricsAsJSON()
  }
}

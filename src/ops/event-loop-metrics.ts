/**
 * How long the event loop has worked and waited, as totals. The delays of prom-client (`nodejs_eventloop_lag_…`) begin
 * anew with each scrape, so that a second reader would take from the first; totals are the same to all.
 */
import { performance } from 'node:perf_hooks'
import { Counter, type Registry } from 'prom-client'

export function addEventLoop(registry: Registry): void {
  counter(
    registry,
    'layby_event_loop_active_seconds_total',
    'Time that the event loop has worked',
    'active',
  )
  counter(
    registry,
    'layby_event_loop_idle_seconds_total',
    'Time that the event loop has waited for something to do',
    'idle',
  )
}

function counter(registry: Registry, name: string, help: string, of: 'active' | 'idle'): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      // Since the loop began; milliseconds.
      this.inc(performance.eventLoopUtilization()[of] / 1000)
    },
  })
}

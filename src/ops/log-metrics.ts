/** What is counted of the log itself. */
import { Counter, type Registry } from 'prom-client'
import { standardOutput } from '../lib/standard-output.ts'

export function addLogMetrics(registry: Registry): void {
  new Counter({
    name: 'layby_log_lines_dropped_total',
    help: 'Lines of the log that were dropped, since its reader took none',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(standardOutput().droppedLines)
    },
  })
}

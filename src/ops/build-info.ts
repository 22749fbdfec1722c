/** Which build runs, as a metric whose value is 1 and whose labels say it (Prometheus, "Naming": `_info`). */
import { Gauge, type Registry } from 'prom-client'

/** @param version of Layby */
export function addBuildInfo(registry: Registry, version: string): void {
  const help = 'Version of Layby and of Node.js that runs it; 1'
  const registers = [registry]
  const labelNames = ['version', 'node']
  new Gauge({ name: 'layby_build_info', help, labelNames, registers })
    .labels(version, process.versions.node)
    .set(1)
}

/**
 * Prometheus metrics, filled from the same reports as the access log. Their meaning: `docs/metrics.md`. Layby's own begin
 * with `layby_`; those of the process and of Node.js keep the names that prom-client gives them, which dashboards know.
 */
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { TlsFile } from '../lib/tls-file.ts'
import { addBuildInfo } from './build-info.ts'
import { addCertificates, type CertificateExpiries } from './certificate-metrics.ts'
import { addEventLoop } from './event-loop-metrics.ts'
import { addEvictions } from './eviction-metrics.ts'
import { InstanceMetrics, type MetricsSources } from './instance-metrics.ts'
import { addLogMetrics } from './log-metrics.ts'
import { addMemoryLimits } from './memory-limits.ts'
import { RequestMetrics } from './request-metrics.ts'
import { TlsMetrics } from './tls-reports.ts'
import { UpstreamMetrics, type UpstreamState } from './upstream-metrics.ts'

/** Of prom-client's own: gauges that are named as counters, and 27 series that only say how V8 divides its heap. */
const UNWANTED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'nodejs_heap_space_size_available_bytes',
]

export interface AllSources extends MetricsSources {
  readonly upstream: UpstreamState
  readonly certificates: () => CertificateExpiries
  /** Files of TLS that are configured. */
  readonly tlsFiles: readonly TlsFile[]
}

export class Metrics {
  readonly registry = new Registry()
  /** All are to be added to those who hear of what happens. */
  readonly requests: RequestMetrics
  readonly instance: InstanceMetrics
  readonly upstream: UpstreamMetrics
  readonly tls: TlsMetrics

  /** @param version of Layby */
  constructor(sources: AllSources, version: string) {
    addBuildInfo(this.registry, version)
    addMemoryLimits(this.registry)
    addCertificates(this.registry, sources.certificates)
    this.requests = new RequestMetrics(this.registry, sources.clock)
    this.instance = new InstanceMetrics(this.registry, sources)
    this.upstream = new UpstreamMetrics(this.registry, sources.clock, sources.upstream)
    this.tls = new TlsMetrics(this.registry, sources.tlsFiles)
    addLogMetrics(this.registry)
    addEventLoop(this.registry)
    addEvictions(this.registry, sources.memory)
    collectDefaultMetrics({ register: this.registry })
    for (const name of UNWANTED) this.registry.removeSingleMetric(name)
  }
}

/** Prometheus metrics (names: wire.md), filled from the same reports as the access log. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { MemoryStore } from '../cache/ports.ts'
import type { FillResult, InvalidationSource, Report, Reporter } from '../cache/report.ts'
import type { InstanceReporter, UpstreamReporter, WireReporter } from './reporting.ts'
import type { TenantTraffic } from './tenant-traffic.ts'

export interface MetricsSources {
  readonly memory: Pick<MemoryStore, 'bytes' | 'entries'>
  readonly sharing: string
  readonly trippedTenants: () => number
  readonly traffic: Pick<TenantTraffic, 'top'>
  /** Null: no Redis is configured. */
  readonly redis: { readonly isUsable: boolean; readonly isBusLive: boolean } | null
}

/** Seconds. A look-up takes microseconds, a fill what the upstream takes. */
const LOOKUP_BUCKETS = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2]
const FILL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const GAP_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300]
const TENANT_RANKS = 10
const AGE_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600]

export class Metrics
  implements
    Pick<Reporter, 'finished' | 'lookedUp' | 'filled' | 'invalidated'>,
    Pick<InstanceReporter, 'mismatched' | 'busGap'>,
    WireReporter,
    UpstreamReporter
{
  readonly registry = new Registry()
  readonly #requests: Counter
  readonly #lookups: Histogram.Internal<'tier'>
  readonly #fills: Histogram
  readonly #followers: Counter
  readonly #ages: Histogram
  readonly #rejects: Counter
  readonly #invalidations: Counter
  readonly #instances: InstanceMetrics
  /** A counter's labels are looked up by a slow hash; the few combinations there are, are kept. */
  readonly #requestSeries = new Map<string, Counter.Internal>()

  constructor(sources: MetricsSources) {
    const registers = [this.registry]
    const counter = counterIn(registers)
    collectDefaultMetrics({ register: this.registry })
    this.#requests = counter(
      'requests_total',
      'Answered requests by outcome, tier, reason and status code',
      ['outcome', 'tier', 'reason', 'code'],
    )
    this.#lookups = new Histogram({
      name: 'lookup_seconds',
      help: 'Time of one walk through a tier',
      labelNames: ['tier'],
      buckets: LOOKUP_BUCKETS,
      registers,
    }).labels('memory')
    this.#fills = new Histogram({
      name: 'fill_seconds',
      help: 'Time of upstream requests made for the cache',
      labelNames: ['result'],
      buckets: FILL_BUCKETS,
      registers,
    })
    this.#followers = counter(
      'followers_total',
      'Requests answered by what another request had asked the upstream for',
    )
    this.#ages = new Histogram({
      name: 'age_at_serve_seconds',
      help: 'Age of bodies served from the store, since the upstream made them',
      buckets: AGE_BUCKETS,
      registers,
    })
    this.#rejects = counter('reject_total', 'Answers that were not stored, by reason', ['reason'])
    this.#invalidations = counter(
      'invalidations_total',
      'Times that entries were made stale, by what made them so',
      ['source'],
    )
    this.#instances = instanceMetrics(registers)
    registerGauges(this.registry, sources)
  }

  mismatched(kind: 'seal' | 'envelope'): void {
    this.#instances.mismatches[kind].inc()
  }

  busGap(milliseconds: number): void {
    this.#instances.busGaps.observe(milliseconds / 1000)
  }

  finished({ outcome, status }: Report): void {
    const { kind, tier, detail, ttl } = outcome
    const name = `${kind} ${tier} ${detail} ${status}`
    let series = this.#requestSeries.get(name)
    if (series === undefined) {
      series = this.#requests.labels(kind, tier ?? 'none', detail ?? 'none', String(status))
      this.#requestSeries.set(name, series)
    }
    series.inc()
    if (outcome.age !== null) this.#ages.observe(outcome.age)
    if (kind === 'follower') this.#followers.inc()
    if (ttl !== null && ttl < 0) this.#instances.stale.labels(detail ?? 'none').inc()
    if (detail?.startsWith('reject.')) this.#rejects.labels(detail.slice('reject.'.length)).inc()
  }

  lookedUp(milliseconds: number): void {
    this.#lookups.observe(milliseconds / 1000)
  }

  filled(result: FillResult, milliseconds: number): void {
    this.#fills.labels(result).observe(milliseconds / 1000)
  }

  breakerChanged(isOpen: boolean): void {
    this.#instances.breaker.labels('upstream').set(isOpen ? 1 : 0)
  }

  handedOver(): void {
    this.#instances.handovers.inc()
  }

  invalidated(source: InvalidationSource): void {
    this.#invalidations.labels(source).inc()
  }
}

function counterIn(registers: Registry[]) {
  return (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name, help, labelNames, registers })
}

function registerGauges(registry: Registry, sources: MetricsSources): void {
  const registers = [registry]
  new Gauge({
    name: 'memory_bytes',
    help: 'Bytes that the memory tier uses, by its own estimate',
    registers,
    collect() {
      this.set(sources.memory.bytes)
    },
  })
  new Gauge({
    name: 'memory_entries',
    help: 'Records in the memory tier',
    registers,
    collect() {
      this.set(sources.memory.entries)
    },
  })
  new Gauge({
    name: 'sharing_tripped_tenants',
    help: 'Tenants dropped from tenant to witnessed sharing because two views were seen',
    registers,
    collect() {
      this.set(sources.trippedTenants())
    },
  })
  new Gauge({
    name: 'tenant_top_requests',
    help: 'Requests of the tenants that ask most, by rank; who they are is told by the admin API',
    labelNames: ['tenant_rank'],
    registers,
    collect() {
      this.reset()
      for (const [index, { requests }] of sources.traffic.top(TENANT_RANKS).entries()) {
        this.set({ tenant_rank: String(index + 1) }, requests)
      }
    },
  })
  if (sources.redis !== null) registerRedisGauges(registry, sources.redis)
  new Gauge({
    name: 'sharing_info',
    help: 'The configured sharing mode; 1',
    labelNames: ['sharing'],
    registers,
  })
    .labels(sources.sharing)
    .set(1)
}

interface InstanceMetrics {
  readonly mismatches: Readonly<Record<'seal' | 'envelope', Counter>>
  readonly busGaps: Histogram
  readonly handovers: Counter
  readonly stale: Counter
  readonly breaker: Gauge
}

function instanceMetrics(registers: Registry[]): InstanceMetrics {
  const counter = counterIn(registers)
  return {
    mismatches: {
      seal: counter(
        'seal_mismatch_total',
        'Values in Redis that did not open as what belongs under their key',
      ),
      envelope: counter(
        'envelope_mismatch_total',
        'Values in Redis that were too long, or no strings',
      ),
    },
    breaker: new Gauge({
      name: 'breaker_state',
      help: '1 while requests are kept from a target that fails',
      labelNames: ['target'],
      registers,
    }),
    stale: counter('stale_served_total', 'Bodies served past their freshness, by what allowed it', [
      'why',
    ]),
    handovers: counter(
      'handovers_total',
      'Connections that the fast path gave to the HTTP server for good',
    ),
    busGaps: new Histogram({
      name: 'bus_gap_seconds',
      help: 'Times for which the bus between instances was not heard',
      buckets: GAP_BUCKETS,
      registers,
    }),
  }
}

function registerRedisGauges(
  registry: Registry,
  redis: NonNullable<MetricsSources['redis']>,
): void {
  const registers = [registry]
  new Gauge({
    name: 'redis_up',
    help: '1 while the Redis tier can be used',
    registers,
    collect() {
      this.set(redis.isUsable ? 1 : 0)
    },
  })
  new Gauge({
    name: 'bus_live',
    help: '1 while invalidations of other instances are known to be heard',
    registers,
    collect() {
      this.set(redis.isBusLive ? 1 : 0)
    },
  })
}

/** What is counted beside requests: fills, invalidations, and how the instance and what it leans on are. */
import { Gauge, type Registry } from 'prom-client'
import type { MemoryStore } from '../cache/ports.ts'
import type { FillResult, InvalidationSource, Reporter } from '../cache/report.ts'
import type { Clock } from '../lib/clock.ts'
import { type Count, CounterFamily, type Distribution, HistogramFamily } from './instruments.ts'
import type { InstanceReporter, Mismatch, UpstreamReporter, WireReporter } from './reporting.ts'
import type { TenantTraffic } from './tenant-traffic.ts'
import { FILL_RESULTS, forEachWord, INVALIDATION_SOURCES, KEPT_HEADERS } from './vocabularies.ts'

/** What is asked when somebody wants to know. */
export interface MetricsSources {
  readonly clock: Pick<Clock, 'wall'>
  readonly memory: Pick<MemoryStore, 'bytes' | 'entries' | 'evictions' | 'largestTenants'>
  readonly sharing: string
  readonly trippedTenants: () => number
  readonly switchedOffTenants: () => number
  readonly traffic: Pick<TenantTraffic, 'top'>
  /** Null: no Redis is configured. */
  readonly redis: {
    readonly isUsable: boolean
    readonly isBreakerOpen: boolean
    readonly isBusLive: boolean
    readonly isWritable: boolean
    readonly isTrusted: boolean
    readonly pendingInvalidations: number
  } | null
}

/** Seconds; as long as the upstream takes. */
const FILL_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const STALENESS_BOUNDS = [0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1800]
const GAP_BOUNDS = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300]
const TENANT_RANKS = 10

export class InstanceMetrics
  implements
    Pick<Reporter, 'filled' | 'invalidated' | 'outdated' | 'headersChanged'>,
    Pick<InstanceReporter, 'mismatched' | 'busGap'>,
    WireReporter,
    Pick<UpstreamReporter, 'breakerChanged'>
{
  readonly #fills: Readonly<Record<FillResult, Distribution>>
  readonly #invalidations: Readonly<Record<InvalidationSource, Count>>
  readonly #headerChanges: Readonly<Record<string, Count | undefined>>
  readonly #otherHeaders: Count
  readonly #mismatches: Readonly<Record<Mismatch, Count>>
  readonly #busGaps: Distribution
  readonly #handovers: Count
  readonly #unread: Count
  readonly #staleness: Distribution
  #isUpstreamBreakerOpen = false

  constructor(registry: Registry, sources: MetricsSources) {
    const { clock } = sources
    this.#fills = fillSeconds(registry, clock)
    this.#invalidations = invalidationCounts(registry)
    const headerChanges = headerChangeCounts(registry)
    this.#headerChanges = headerChanges
    this.#otherHeaders = headerChanges.other
    this.#mismatches = mismatchCounts(registry)
    this.#handovers = new CounterFamily(registry, {
      name: 'layby_handovers_total',
      help: 'Connections that the fast path gave to the HTTP server for good',
      labelNames: [],
    }).series({})
    this.#unread = new CounterFamily(registry, {
      name: 'layby_unread_closes_total',
      help: 'Connections closed since their client took nothing of its answer',
      labelNames: [],
    }).series({})
    this.#busGaps = new HistogramFamily(registry, clock, {
      name: 'layby_bus_gap_seconds',
      help: 'Times for which the bus between instances was not heard',
      labelNames: [],
      bounds: GAP_BOUNDS,
    }).series({})
    this.#staleness = new HistogramFamily(registry, clock, {
      name: 'layby_staleness_seconds',
      help: 'Longest time for which hits on a copy may have been behind, for each change found upstream',
      labelNames: [],
      bounds: STALENESS_BOUNDS,
    }).series({})
    addGauges(registry, sources, () => this.#isUpstreamBreakerOpen)
  }

  filled(result: FillResult, milliseconds: number, traceId: string | null): void {
    this.#fills[result].observe(milliseconds / 1000, traceId)
  }

  invalidated(source: InvalidationSource): void {
    this.#invalidations[source].total++
  }

  outdated(milliseconds: number): void {
    this.#staleness.observe(milliseconds / 1000)
  }

  headersChanged(names: readonly string[]): void {
    for (const name of names) {
      const known = Object.hasOwn(this.#headerChanges, name) ? this.#headerChanges[name] : undefined
      const count = known ?? this.#otherHeaders
      count.total++
    }
  }

  mismatched(kind: Mismatch): void {
    this.#mismatches[kind].total++
  }

  busGap(milliseconds: number): void {
    this.#busGaps.observe(milliseconds / 1000)
  }

  breakerChanged(isOpen: boolean): void {
    this.#isUpstreamBreakerOpen = isOpen
  }

  readerClosed(): void {
    this.#unread.total++
  }

  handedOver(): void {
    this.#handovers.total++
  }
}

function fillSeconds(registry: Registry, clock: Pick<Clock, 'wall'>) {
  const family = new HistogramFamily(registry, clock, {
    name: 'layby_fill_seconds',
    help: 'Time of upstream requests made for the cache',
    labelNames: ['result'],
    bounds: FILL_BOUNDS,
  })
  return forEachWord(FILL_RESULTS, (result) => family.series({ result }))
}

function invalidationCounts(registry: Registry) {
  const family = new CounterFamily(registry, {
    name: 'layby_invalidations_total',
    help: 'Times that entries were made stale, by what made them so',
    labelNames: ['source'],
  })
  return forEachWord(INVALIDATION_SOURCES, (source) => family.series({ source }))
}

function headerChangeCounts(registry: Registry) {
  const family = new CounterFamily(registry, {
    name: 'layby_header_changes_total',
    help: 'Answers with the same body as the copy before and another value of a kept header, by header',
    labelNames: ['header'],
  })
  return forEachWord(KEPT_HEADERS, (header) => family.series({ header }))
}

function mismatchCounts(registry: Registry) {
  const seal = {
    name: 'layby_seal_mismatch_total',
    help: 'Values in Redis that did not open as what belongs under their key',
  }
  const envelope = {
    name: 'layby_envelope_mismatch_total',
    help: 'Values in Redis that were too long, no strings, or of another version',
  }
  const time = {
    name: 'layby_sealed_time_mismatch_total',
    help: 'Values in Redis that were sealed when they can not have been: put back, or a clock is wrong',
  }
  return {
    time: new CounterFamily(registry, { ...time, labelNames: [] }).series({}),
    seal: new CounterFamily(registry, { ...seal, labelNames: [] }).series({}),
    envelope: new CounterFamily(registry, { ...envelope, labelNames: [] }).series({}),
  }
}

function addGauges(
  registry: Registry,
  sources: MetricsSources,
  isUpstreamBreakerOpen: () => boolean,
): void {
  const { memory, redis } = sources
  const gauge = gaugeIn(registry)
  gauge(
    'layby_memory_bytes',
    'Bytes that the memory tier uses, by its own estimate',
    () => memory.bytes,
  )
  gauge('layby_memory_entries', 'Records in the memory tier', () => memory.entries)
  gauge(
    'layby_sharing_tripped_tenants',
    'Tenants dropped from tenant to witnessed sharing because two views were seen',
    sources.trippedTenants,
  )
  gauge(
    'layby_switched_off_tenants',
    'Tenants whose cache an operator has switched off',
    sources.switchedOffTenants,
  )
  if (redis !== null) addRedisGauges(gauge, redis)
  addBreakerGauge(registry, sources, isUpstreamBreakerOpen)
  addTenantGauges(registry, sources)
  const help = 'The configured sharing mode; 1'
  const registers = [registry]
  new Gauge({ name: 'layby_sharing_info', help, labelNames: ['sharing'], registers })
    .labels(sources.sharing)
    .set(1)
}

function addRedisGauges(
  gauge: ReturnType<typeof gaugeIn>,
  redis: NonNullable<MetricsSources['redis']>,
): void {
  gauge('layby_redis_up', '1 while the Redis tier can be used', () => Number(redis.isUsable))
  gauge('layby_redis_writable', '1 while Redis takes writes', () => Number(redis.isWritable))
  gauge(
    'layby_redis_trusted',
    '1 while what lies in Redis is used; 0 until all instances that may know of a lost invalidation are accounted for',
    () => Number(redis.isTrusted),
  )
  gauge(
    'layby_invalidations_pending',
    'Invalidations of this instance that Redis, or the other instances, have not taken so far',
    () => redis.pendingInvalidations,
  )
  gauge('layby_bus_live', '1 while invalidations of other instances are known to be heard', () =>
    Number(redis.isBusLive),
  )
}

function gaugeIn(registry: Registry) {
  return (name: string, help: string, value: () => number): void => {
    const registers = [registry]
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
}

function addBreakerGauge(
  registry: Registry,
  { redis }: MetricsSources,
  isUpstreamBreakerOpen: () => boolean,
): void {
  new Gauge({
    name: 'layby_breaker_state',
    help: '1 while requests are kept from a target that fails',
    labelNames: ['target'],
    registers: [registry],
    collect() {
      this.set({ target: 'upstream' }, Number(isUpstreamBreakerOpen()))
      if (redis !== null) this.set({ target: 'redis' }, Number(redis.isBreakerOpen))
    },
  })
}

function addTenantGauges(registry: Registry, { traffic, memory }: MetricsSources): void {
  const ranked = (name: string, help: string, values: () => readonly number[]): void => {
    new Gauge({
      name,
      help,
      labelNames: ['tenant_rank'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [index, value] of values().entries()) {
          this.set({ tenant_rank: String(index + 1) }, value)
        }
      },
    })
  }
  ranked(
    'layby_tenant_top_requests',
    'Requests of the tenants that ask most, by rank; who they are is told by the admin API',
    () => traffic.top(TENANT_RANKS).map(({ requests }) => requests),
  )
  ranked(
    'layby_tenant_memory_bytes',
    'Bytes of the memory tier that the tenants with most of them use, by rank among these',
    () => memory.largestTenants(TENANT_RANKS).map(({ bytes }) => bytes),
  )
}

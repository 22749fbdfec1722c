/**
 * What the dashboard and `layby top` show of an instance at one moment. Pure: made from the metrics registry,
 * so that the page's numbers equal the metrics, and from the trackers beside it.
 *
 * All counts are totals since the process began. Rates and shares are made by whoever looks, from two
 * snapshots and `monotonicMs` (`figures.ts`): what is shown of a minute is the difference of what Prometheus
 * would have scraped at its ends. `docs/dashboard.md` shows one.
 */

import { MAX_TENANTS } from './figures.ts'
import type { RecentProblem } from './recent-problems.ts'
import { type RequestTotals, requestTotals } from './request-totals.ts'
import { type Histogram, type MetricSamples, Samples } from './samples.ts'
import type { TenantFigures } from './tenant-traffic.ts'

export interface Snapshot {
  /** Of this process, random: totals of another start from zero. */
  readonly instance: string
  /** Name of the machine, container or pod. */
  readonly host: string
  /** Of Layby. */
  readonly version: string
  /** URL of the page whose sections are runbooks. */
  readonly runbooks: string
  /** Wall clock, milliseconds since 1970-01-01 UTC; for people only. */
  readonly at: number
  /** The clock of all rates. Milliseconds from an arbitrary moment. */
  readonly monotonicMs: number
  /** When the process began, by the wall clock; null: not known. */
  readonly startedAt: number | null
  /** Whether it wants traffic: not while it starts or drains. */
  readonly isReady: boolean
  readonly requests: RequestTotals
  readonly upstream: UpstreamTotals
  /** Time from arrival to answer by outcome. Seconds. */
  readonly latency: Readonly<Record<string, Histogram>>
  /** Bodies served past their freshness, by what allowed it. */
  readonly stale: Readonly<Record<string, number>>
  readonly followers: number
  /** Answers that were not stored, by reason. */
  readonly rejects: Readonly<Record<string, number>>
  /** Times that entries were made stale, by source. */
  readonly invalidations: Readonly<Record<string, number>>
  /** For how long hits had been wrong when a refresh found a changed body. Seconds. */
  readonly staleness: Histogram
  readonly sharing: { readonly mode: string; readonly trippedTenants: number }
  readonly memory: MemoryUse
  /** Of all processes together. */
  readonly eventLoop: { readonly activeSeconds: number; readonly idleSeconds: number }
  /** Certificate in use → when it expires, in milliseconds since 1970-01-01 UTC. */
  readonly certificates: Readonly<Record<string, number>>
  /** Null: no Redis is configured. */
  readonly redis: RedisState | null
  /** Target → whether requests are kept from it. */
  readonly breakers: Readonly<Record<string, boolean>>
  /** Those that ask most, most first; bounded. */
  readonly tenants: readonly TenantFigures[]
  /** Equal ones together, newest first; bounded. */
  readonly problems: readonly RecentProblem[]
}

export interface UpstreamTotals {
  /** Answers that the upstream gave to requests made for the cache, refreshes included. */
  readonly calls: number
  /** Reads that were answered without one. */
  readonly saved: number
  /** Requests made for the cache by what became of them: `stored`, `rejected`, `failed`. */
  readonly fills: Readonly<Record<string, number>>
  /** Its host and port, as configured. */
  readonly name: string
  /** Open now, by state: `connecting`, `active`, `idle`. */
  readonly connections: Readonly<Record<string, number>>
  /** Requests that wait now for a place among those under way. */
  readonly queueLength: number
  /** Time that requests have waited for one. Seconds. */
  readonly queueWait: Histogram
  /** Calls that have failed, those that pass through included, by cause: closed vocabulary `UpstreamCause`. */
  readonly errors: Readonly<Record<string, number>>
}

export interface MemoryUse {
  readonly bytes: number
  readonly maxBytes: number
  readonly entries: number
  /** Entries that made room for others. */
  readonly evictions: number
  /** Of the whole process; null: not known. */
  readonly residentBytes: number | null
  /** What the process may have; null: not known. */
  readonly limitBytes: number | null
  /** Part of the heap that Node.js allows itself which is in use, from 0 to 1; of several processes the highest. */
  readonly heapShare: number
}

export interface RedisState {
  readonly isUp: boolean
  readonly isWritable: boolean
  /** Of this instance, that Redis or the other instances have not taken so far. */
  readonly pendingInvalidations: number
  /** Whether invalidations of other instances are known to be heard. */
  readonly isBusLive: boolean
  /** Times for which the bus was not heard. Seconds. */
  readonly busGaps: Histogram
  /** Values that did not open as what belongs under their key. */
  readonly mismatches: number
}

export interface SnapshotSources {
  readonly instance: string
  readonly host: string
  readonly version: string
  readonly runbooks: string
  readonly at: number
  readonly monotonicMs: number
  readonly isReady: boolean
  readonly memoryMaxBytes: number
  readonly upstreamName: string
  readonly metrics: readonly MetricSamples[]
  readonly tenants: readonly TenantFigures[]
  readonly problems: readonly RecentProblem[]
}

/** The metrics that a snapshot is made of; to read others would reset what they measure (event loop lag). */
export const SNAPSHOT_METRICS = [
  'layby_requests_total',
  'layby_request_seconds',
  'layby_failed_reads_total',
  'layby_fill_seconds',
  'layby_followers_total',
  'layby_stale_served_total',
  'layby_staleness_seconds',
  'layby_reject_total',
  'layby_invalidations_total',
  'layby_sharing_info',
  'layby_sharing_tripped_tenants',
  'layby_memory_bytes',
  'layby_memory_entries',
  'layby_memory_evictions_total',
  'layby_event_loop_active_seconds_total',
  'layby_event_loop_idle_seconds_total',
  'layby_certificate_expiry_timestamp_seconds',
  'layby_heap_used_ratio',
  'layby_process_memory_limit_bytes',
  'layby_redis_up',
  'layby_redis_writable',
  'layby_invalidations_pending',
  'layby_bus_live',
  'layby_bus_gap_seconds',
  'layby_seal_mismatch_total',
  'layby_envelope_mismatch_total',
  'layby_sealed_time_mismatch_total',
  'layby_breaker_state',
  'layby_upstream_connections',
  'layby_upstream_errors_total',
  'layby_upstream_queue_length',
  'layby_upstream_queue_wait_seconds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
] as const

const MISMATCHES = [
  'layby_seal_mismatch_total',
  'layby_envelope_mismatch_total',
  'layby_sealed_time_mismatch_total',
] as const

const MAX_PROBLEMS = 12

export function snapshotOf(sources: SnapshotSources): Snapshot {
  const { instance, host, version, runbooks, at, monotonicMs, isReady } = sources
  const samples = new Samples(sources.metrics)
  const startedAt = samples.value('process_start_time_seconds')
  const requests = requestTotals(samples)
  return {
    instance,
    host,
    version,
    runbooks,
    at,
    monotonicMs,
    startedAt: startedAt === null ? null : startedAt * 1000,
    isReady,
    requests,
    upstream: upstreamTotals(samples, requests, sources.upstreamName),
    latency: latencies(samples),
    stale: samples.sumBy('layby_stale_served_total', 'why'),
    followers: samples.sum('layby_followers_total'),
    rejects: samples.sumBy('layby_reject_total', 'reason'),
    invalidations: samples.sumBy('layby_invalidations_total', 'source'),
    staleness: samples.histogram('layby_staleness_seconds'),
    sharing: {
      mode: samples.words('layby_sharing_info', 'sharing')[0] ?? 'unknown',
      trippedTenants: samples.sum('layby_sharing_tripped_tenants'),
    },
    memory: memoryUse(samples, sources.memoryMaxBytes),
    eventLoop: {
      activeSeconds: samples.sum('layby_event_loop_active_seconds_total'),
      idleSeconds: samples.sum('layby_event_loop_idle_seconds_total'),
    },
    certificates: mapValues(
      samples.sumBy('layby_certificate_expiry_timestamp_seconds', 'certificate'),
      (seconds) => seconds * 1000,
    ),
    redis: redisState(samples),
    breakers: breakers(samples),
    tenants: sources.tenants.slice(0, MAX_TENANTS),
    problems: sources.problems.slice(0, MAX_PROBLEMS),
  }
}

/**
 * A fill's own call is not saved, nor is one that failed and left its reader a stale copy; what was called
 * beside the fills that somebody waited for were refreshes, and each of them is a call that a hit has cost.
 */
function upstreamTotals(
  samples: Samples,
  { byOutcome }: RequestTotals,
  name: string,
): UpstreamTotals {
  const fills = samples.countBy('layby_fill_seconds', 'result')
  const calls = (fills['stored'] ?? 0) + (fills['rejected'] ?? 0)
  const failed = samples.sumBy('layby_stale_served_total', 'why')['sie'] ?? 0
  const { hit = 0, fill = 0, follower = 0 } = byOutcome
  return {
    calls,
    saved: Math.max(0, hit + fill + follower - calls - failed),
    fills,
    name,
    connections: samples.sumBy('layby_upstream_connections', 'state'),
    queueLength: samples.sum('layby_upstream_queue_length'),
    queueWait: samples.histogram('layby_upstream_queue_wait_seconds'),
    errors: samples.sumBy('layby_upstream_errors_total', 'cause'),
  }
}

function memoryUse(samples: Samples, maxBytes: number): MemoryUse {
  return {
    bytes: samples.sum('layby_memory_bytes'),
    maxBytes,
    entries: samples.sum('layby_memory_entries'),
    evictions: samples.sum('layby_memory_evictions_total'),
    residentBytes: samples.value('process_resident_memory_bytes'),
    limitBytes: samples.value('layby_process_memory_limit_bytes'),
    heapShare: samples.value('layby_heap_used_ratio') ?? 0,
  }
}

function latencies(samples: Samples): Record<string, Histogram> {
  const outcomes = samples.words('layby_request_seconds', 'outcome')
  return Object.fromEntries(
    outcomes.map((word) => [
      word,
      samples.histogram('layby_request_seconds', ({ outcome }) => outcome === word),
    ]),
  )
}

function redisState(samples: Samples): RedisState | null {
  const isUp = samples.value('layby_redis_up')
  if (isUp === null) return null
  return {
    isUp: isUp === 1,
    isWritable: samples.value('layby_redis_writable') !== 0,
    pendingInvalidations: samples.sum('layby_invalidations_pending'),
    isBusLive: samples.value('layby_bus_live') === 1,
    busGaps: samples.histogram('layby_bus_gap_seconds'),
    mismatches: MISMATCHES.reduce((sum, name) => sum + samples.sum(name), 0),
  }
}

function breakers(samples: Samples): Record<string, boolean> {
  const states = samples.sumBy('layby_breaker_state', 'target')
  // A target is named by its first change; of the upstream it is known before.
  return { upstream: false, ...mapValues(states, (state) => state === 1) }
}

function mapValues<A, B>(record: Record<string, A>, of: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]))
}

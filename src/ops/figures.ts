/**
 * What two snapshots of one instance say of the time between them: rates, shares, percentiles. Pure, and without
 * imports that do anything: the dashboard's page runs this file as well.
 */
import type { Histogram } from './samples.ts'
import type { Snapshot } from './snapshot.ts'
import type { TenantFigures } from './tenant-traffic.ts'

export interface Figures {
  /** Length of the time, in seconds; null: all of the process's life. */
  readonly seconds: number | null
  readonly requests: number
  /**
   * Reads that the cache had a say in: hits, fills, followers, bypasses, what only the store could have answered, and
   * those that failed. All shares of reads are shares of these.
   */
  readonly reads: number
  readonly hits: { readonly memory: number; readonly redis: number }
  readonly byOutcome: Readonly<Record<string, number>>
  readonly misses: Readonly<Record<string, number>>
  /** Answers by class of status. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly saved: number
  readonly calls: number
  readonly fills: Readonly<Record<string, number>>
  readonly stale: Readonly<Record<string, number>>
  readonly invalidations: Readonly<Record<string, number>>
  readonly upstreamErrors: number
  /** Calls to the upstream that have failed, by cause. */
  readonly upstreamCauses: Readonly<Record<string, number>>
  /** Time that requests have waited for a place among those under way. Seconds. */
  readonly queueWait: Histogram
  readonly shed: number
  readonly limited: number
  readonly failedReads: number
  /** Of those that ask most, most first. */
  readonly tenants: readonly TenantFigures[]
  readonly mismatches: number
  /** Entries of the memory tier that made room for others. */
  readonly evictions: number
  /** Part of the time in which event loops worked, from 0 to 1; null: not known. */
  readonly eventLoopShare: number | null
  readonly latency: Readonly<Record<string, Histogram>>
}

/** As many tenants as a snapshot tells of. */
export const MAX_TENANTS = 10

/** Outcomes that make up `reads`. */
const READS = ['hit', 'fill', 'follower', 'bypass', 'not-cached']

/** @param earlier null: since the process began; so it is when it is of another process, too */
export function figuresBetween(earlier: Snapshot | null, later: Snapshot): Figures {
  const from = earlier?.instance === later.instance ? earlier : null
  const byOutcome = minus(later.requests.byOutcome, from?.requests.byOutcome)
  const failedReads = later.requests.failedReads - (from === null ? 0 : from.requests.failedReads)
  const count = (of: (snapshot: Snapshot) => number): number =>
    of(later) - (from === null ? 0 : of(from))
  return {
    seconds: from === null ? null : (later.monotonicMs - from.monotonicMs) / 1000,
    requests: count(({ requests }) => requests.total),
    reads: READS.reduce((sum, outcome) => sum + (byOutcome[outcome] ?? 0), failedReads),
    hits: {
      memory: count(({ requests }) => requests.hits.memory),
      redis: count(({ requests }) => requests.hits.redis),
    },
    byOutcome,
    misses: minus(later.requests.misses, from?.requests.misses),
    byStatus: minus(later.requests.byStatus, from?.requests.byStatus),
    saved: count(({ upstream }) => upstream.saved),
    calls: count(({ upstream }) => upstream.calls),
    fills: minus(later.upstream.fills, from?.upstream.fills),
    stale: minus(later.stale, from?.stale),
    invalidations: minus(later.invalidations, from?.invalidations),
    upstreamErrors: count(({ requests }) => requests.upstreamErrors),
    upstreamCauses: minus(later.upstream.errors, from?.upstream.errors),
    queueWait:
      from === null
        ? later.upstream.queueWait
        : difference(from.upstream.queueWait, later.upstream.queueWait),
    shed: count(({ requests }) => requests.shed),
    limited: count(({ requests }) => requests.limited),
    failedReads,
    tenants: tenantsBetween(from?.tenants ?? [], later.tenants),
    mismatches: count(({ redis }) => redis?.mismatches ?? 0),
    evictions: count(({ memory }) => memory.evictions),
    eventLoopShare: shareOf(
      count(({ eventLoop }) => eventLoop.activeSeconds),
      count(({ eventLoop }) => eventLoop.idleSeconds),
    ),
    latency: latenciesBetween(from?.latency ?? {}, later.latency),
  }
}

/** From 0 to 1; null: there were no reads. */
export function hitShare(
  { reads, hits }: Figures,
  tier: 'memory' | 'redis' | 'any',
): number | null {
  if (reads === 0) return null
  return (tier === 'any' ? hits.memory + hits.redis : hits[tier]) / reads
}

/** A second; null: the time has no length that is known. */
export function perSecond({ seconds }: Figures, count: number): number | null {
  return seconds === null || seconds <= 0 ? null : count / seconds
}

/**
 * Seconds, as Prometheus' `histogram_quantile` has it: linear within the bucket; for what is above the last
 * bound, that bound. Null: nothing was observed.
 *
 * @param share from 0 to 1
 */
export function quantile({ bounds, counts, count }: Histogram, share: number): number | null {
  if (count <= 0) return null
  const rank = share * count
  const at = counts.findIndex((below) => below >= rank)
  if (at === -1) return bounds.at(-1) ?? null
  const upper = bounds[at] ?? 0
  const lower = bounds[at - 1] ?? 0
  const before = counts[at - 1] ?? 0
  const within = (counts[at] ?? 0) - before
  return within <= 0 ? upper : lower + ((upper - lower) * (rank - before)) / within
}

/** All series as one; of histograms with the same bounds. */
export function joined(histograms: readonly Histogram[]): Histogram {
  return {
    bounds: histograms[0]?.bounds ?? [],
    counts: (histograms[0]?.counts ?? []).map((_, at) =>
      histograms.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0),
    ),
    count: histograms.reduce((sum, { count }) => sum + count, 0),
    sum: histograms.reduce((total, { sum }) => total + sum, 0),
  }
}

function shareOf(part: number, rest: number): number | null {
  return part + rest <= 0 ? null : part / (part + rest)
}

type Counts = Readonly<Record<string, number>>

function minus(later: Counts, earlier: Counts = {}): Counts {
  return Object.fromEntries(
    Object.entries(later).map(([word, count]) => [word, count - (earlier[word] ?? 0)]),
  )
}

/**
 * One that was not among those that ask most is left out where there were more of them than a snapshot tells: what it has
 * asked since then is not known. Where there were not, it has come since, and is whole.
 */
function tenantsBetween(
  earlier: readonly TenantFigures[],
  later: readonly TenantFigures[],
): TenantFigures[] {
  const wereAll = earlier.length < MAX_TENANTS
  return later
    .filter(({ tenant }) => wereAll || earlier.some((before) => before.tenant === tenant))
    .map((now) => {
      const before = earlier.find(({ tenant }) => tenant === now.tenant)
      if (before === undefined || before.requests > now.requests) return now
      return {
        tenant: now.tenant,
        requests: now.requests - before.requests,
        hits: now.hits - before.hits,
        limited: now.limited - before.limited,
        failed: now.failed - before.failed,
        misses: minus(now.misses, before.misses),
      }
    })
    .sort((a, b) => b.requests - a.requests)
}

function latenciesBetween(
  earlier: Snapshot['latency'],
  later: Snapshot['latency'],
): Snapshot['latency'] {
  return Object.fromEntries(
    Object.entries(later).map(([outcome, histogram]) => {
      const before = earlier[outcome]
      return [outcome, before === undefined ? histogram : difference(before, histogram)]
    }),
  )
}

function difference(earlier: Histogram, later: Histogram): Histogram {
  return {
    bounds: later.bounds,
    counts: later.counts.map((count, at) => count - (earlier.counts[at] ?? 0)),
    count: later.count - earlier.count,
    sum: later.sum - earlier.sum,
  }
}

/**
 * What is counted of every request. On the way of each hit: which series it belongs to is found by the
 * identity of what its `Outcome` says, mostly in one comparison with the request before it.
 */
import type { Registry } from 'prom-client'
import type { Detail, Outcome, OutcomeKind, RejectReason, Tier } from '../cache/outcome.ts'
import type { Report, Reporter } from '../cache/report.ts'
import type { StaleReason } from '../cache/stale.ts'
import type { Clock } from '../lib/clock.ts'
import { type Count, CounterFamily, type Distribution, HistogramFamily } from './instruments.ts'
import { forEachWord, OUTCOMES, REJECT_REASONS, STALE_REASONS, TIERS } from './vocabularies.ts'

/** Seconds. A hit takes microseconds; what the upstream is asked for takes as long as it takes. */
const REQUEST_BOUNDS = [
  5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.25, 0.5, 1, 2.5, 10,
]
const LOOKUP_BOUNDS = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 2.5e-3, 1e-2, 5e-2]
const AGE_BOUNDS = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600]
/** The words of an outcome are closed, but the status is the upstream's to choose: a bound on what it can make. */
const MAX_COMBINATIONS = 80

/** All series that a request of one combination of outcome and status belongs to. */
interface Combination {
  readonly kind: OutcomeKind
  readonly tier: Tier | null
  readonly detail: Detail | null
  readonly status: number
  readonly requests: Count
  readonly seconds: Distribution
  readonly followers: Count | null
  readonly rejects: Count | null
  readonly stale: Count | null
  /** Of those that are reads of cached resources. */
  readonly failedReads: Count | null
}

type ByStatus = Map<number, Combination>

export class RequestMetrics implements Pick<Reporter, 'finished' | 'lookedUp' | 'walked'> {
  readonly #requests: CounterFamily<'outcome' | 'tier' | 'reason' | 'code'>
  readonly #seconds: Readonly<Record<OutcomeKind, Distribution>>
  readonly #lookups: Readonly<Record<Tier, Distribution>>
  readonly #ages: Distribution
  readonly #followers: Count
  readonly #rejects: Readonly<Record<RejectReason, Count>>
  readonly #stale: Readonly<Record<StaleReason, Count>>
  readonly #failedReads: Count
  readonly #combinations = new Map<OutcomeKind, Map<Tier | null, Map<Detail | null, ByStatus>>>()
  #last: Combination
  #overflow: Count | null = null

  constructor(registry: Registry, clock: Pick<Clock, 'wall'>) {
    this.#requests = new CounterFamily(registry, {
      name: 'layby_requests_total',
      help: 'Answered requests by outcome, tier, reason and status code',
      labelNames: ['outcome', 'tier', 'reason', 'code'],
    })
    this.#seconds = requestSeconds(registry, clock)
    this.#lookups = lookupSeconds(registry, clock)
    this.#followers = new CounterFamily(registry, {
      name: 'layby_followers_total',
      help: 'Requests answered by what another request had asked the upstream for',
      labelNames: [],
    }).series({})
    this.#ages = new HistogramFamily(registry, clock, {
      name: 'layby_age_at_serve_seconds',
      help: 'Age of bodies served from the store, since the upstream made them',
      labelNames: [],
      bounds: AGE_BOUNDS,
    }).series({})
    this.#rejects = rejectCounts(registry)
    this.#stale = staleCounts(registry)
    this.#failedReads = new CounterFamily(registry, {
      name: 'layby_failed_reads_total',
      help: 'Reads of cached resources that were answered with neither a copy nor a valid answer of the API',
      labelNames: [],
    }).series({})
    this.#last = this.#combine('hit', 'memory', 'memory', 200)
  }

  finished(report: Report): void {
    const { outcome, status, durationMs, traceId } = report
    const of = this.#combinationOf(outcome, status)
    const { age, ttl } = outcome
    of.requests.total++
    of.seconds.observe(durationMs / 1000, traceId)
    if (age !== null) this.#ages.observe(age)
    if (of.stale !== null && ttl !== null && ttl < 0) of.stale.total++
    if (of.followers !== null) of.followers.total++
    if (of.rejects !== null) of.rejects.total++
    if (of.failedReads !== null && isCachedRead(report)) of.failedReads.total++
  }

  lookedUp(milliseconds: number): void {
    this.#lookups.memory.observe(milliseconds / 1000)
  }

  walked(milliseconds: number): void {
    this.#lookups.redis.observe(milliseconds / 1000)
  }

  #combinationOf({ kind, tier, detail }: Outcome, status: number): Combination {
    const last = this.#last
    const isLast =
      last.detail === detail && last.status === status && last.kind === kind && last.tier === tier
    if (isLast) return last
    const known = this.#combinations.get(kind)?.get(tier)?.get(detail)?.get(status)
    this.#last = known ?? this.#combine(kind, tier, detail, status)
    return this.#last
  }

  #combine(
    kind: OutcomeKind,
    tier: Tier | null,
    detail: Detail | null,
    status: number,
  ): Combination {
    const made: Combination = {
      kind,
      tier,
      detail,
      status,
      requests: this.#requestsOf(kind, tier, detail, status),
      seconds: this.#seconds[kind],
      followers: kind === 'follower' ? this.#followers : null,
      rejects: isReject(detail) ? this.#rejects[rejectOf(detail)] : null,
      stale: isStale(detail) ? this.#stale[detail] : null,
      failedReads: kind === 'failed' ? this.#failedReads : null,
    }
    const ofKind = within(this.#combinations, kind, () => new Map())
    const ofTier = within(ofKind, tier, () => new Map<Detail | null, ByStatus>())
    within(ofTier, detail, () => new Map<number, Combination>()).set(status, made)
    return made
  }

  #requestsOf(
    outcome: OutcomeKind,
    tier: Tier | null,
    detail: Detail | null,
    status: number,
  ): Count {
    const reason = detail ?? 'none'
    // guard: series-bound
    if (this.#requests.size < MAX_COMBINATIONS) {
      const labels = { outcome, tier: tier ?? 'none', reason, code: String(status) }
      return this.#requests.series(labels)
    }
    const other = { outcome: 'other', tier: 'other', reason: 'other', code: 'other' }
    this.#overflow ??= this.#requests.series(other)
    return this.#overflow
  }
}

function requestSeconds(registry: Registry, clock: Pick<Clock, 'wall'>) {
  const family = new HistogramFamily(registry, clock, {
    name: 'layby_request_seconds',
    help: 'Time from the arrival of a request to its answer, by outcome',
    labelNames: ['outcome'],
    bounds: REQUEST_BOUNDS,
  })
  return forEachWord(OUTCOMES, (outcome) => family.series({ outcome }))
}

function lookupSeconds(registry: Registry, clock: Pick<Clock, 'wall'>) {
  const family = new HistogramFamily(registry, clock, {
    name: 'layby_lookup_seconds',
    help: 'Time of one walk through a tier; for memory from the arrival of the read',
    labelNames: ['tier'],
    bounds: LOOKUP_BOUNDS,
  })
  return forEachWord(TIERS, (tier) => family.series({ tier }))
}

function rejectCounts(registry: Registry) {
  const family = new CounterFamily(registry, {
    name: 'layby_reject_total',
    help: 'Answers that were not stored, by reason',
    labelNames: ['reason'],
  })
  return forEachWord(REJECT_REASONS, (reason) => family.series({ reason }))
}

function staleCounts(registry: Registry) {
  const family = new CounterFamily(registry, {
    name: 'layby_stale_served_total',
    help: 'Bodies served past their freshness, by what allowed it',
    labelNames: ['why'],
  })
  return forEachWord(STALE_REASONS, (why) => family.series({ why }))
}

function within<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

/** Writes have a route too, the row of the API's table, and other methods. */
function isCachedRead({ route, method }: Report): boolean {
  return route !== null && (method === 'GET' || method === 'HEAD')
}

const REJECT = 'reject.'

function isReject(detail: Detail | null): detail is `reject.${RejectReason}` {
  return detail?.startsWith(REJECT) ?? false
}

function rejectOf(detail: `reject.${RejectReason}`): RejectReason {
  return detail.slice(REJECT.length) as RejectReason
}

function isStale(detail: Detail | null): detail is StaleReason {
  return detail !== null && detail in STALE_REASONS
}

/**
 * What charts show of one moment: from two snapshots of one instance, the values of the time between them and those
 * at its end. Pure, and without imports that do anything: the dashboard's page runs this file as well.
 */
import { type Figures, figuresBetween, hitShare, perSecond, quantile } from './figures.ts'
import type { Snapshot } from './snapshot.ts'

/** Null: nothing is known of it. Shares are from 0 to 1, times in seconds, rates a second. */
export interface PointValues {
  /** Of reads, those that came from the tier. */
  readonly memoryShare: number | null
  readonly redisShare: number | null
  readonly requestRate: number | null
  readonly hitRate: number | null
  readonly passThroughRate: number | null
  readonly clientErrorRate: number | null
  readonly serverErrorRate: number | null
  readonly savedRate: number | null
  readonly callRate: number | null
  readonly upstreamErrorRate: number | null
  readonly hitP95: number | null
  readonly fillP95: number | null
  readonly passThroughP95: number | null
  /** Connections to the upstream. */
  readonly active: number | null
  readonly idle: number | null
  /** Requests that wait for a place among those under way. */
  readonly waiting: number | null
  readonly evictionRate: number | null
  /** Part of the time in which the event loop worked. */
  readonly eventLoopShare: number | null
}

export interface Point {
  /** Seconds since 1970-01-01 UTC. */
  readonly at: number
  /** Null: nothing was heard. */
  readonly values: PointValues | null
}

/** As many as a chart has pixels for. */
const DIGITS = 4

export function pointBetween(earlier: Snapshot, later: Snapshot): Point {
  const figures = figuresBetween(earlier, later)
  const values = { ...ratesOf(figures), ...latenciesOf(figures), ...upstreamOf(later) }
  return { at: Math.round(later.at) / 1000, values: rounded(values) }
}

function ratesOf(figures: Figures) {
  const { requests, hits, byOutcome, byStatus, saved, calls, upstreamCauses, evictions } = figures
  const failedCalls = Object.values(upstreamCauses).reduce((sum, count) => sum + count, 0)
  return {
    memoryShare: hitShare(figures, 'memory'),
    redisShare: hitShare(figures, 'redis'),
    requestRate: perSecond(figures, requests),
    hitRate: perSecond(figures, hits.memory + hits.redis),
    passThroughRate: perSecond(figures, byOutcome['pass-through'] ?? 0),
    clientErrorRate: perSecond(figures, byStatus['4xx'] ?? 0),
    serverErrorRate: perSecond(figures, byStatus['5xx'] ?? 0),
    savedRate: perSecond(figures, saved),
    callRate: perSecond(figures, calls),
    upstreamErrorRate: perSecond(figures, failedCalls),
    evictionRate: perSecond(figures, evictions),
    eventLoopShare: figures.eventLoopShare,
  }
}

function latenciesOf({ latency }: Figures) {
  const p95 = (outcome: string): number | null => {
    const histogram = latency[outcome]
    return histogram === undefined ? null : quantile(histogram, 0.95)
  }
  return { hitP95: p95('hit'), fillP95: p95('fill'), passThroughP95: p95('pass-through') }
}

function upstreamOf({ upstream }: Snapshot) {
  const { connections, queueLength } = upstream
  return {
    active: connections['active'] ?? null,
    idle: connections['idle'] ?? null,
    waiting: queueLength,
  }
}

function rounded(values: PointValues): PointValues {
  const entries = Object.entries(values) as [keyof PointValues, number | null][]
  const short = entries.map(([name, value]) => [
    name,
    value === null ? null : Number(value.toPrecision(DIGITS)),
  ])
  return Object.fromEntries(short) as unknown as PointValues
}

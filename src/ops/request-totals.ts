/** What a snapshot says of requests, from the metrics. Pure. */
import type { Samples } from './samples.ts'

export interface RequestTotals {
  readonly total: number
  /** Closed vocabulary `OutcomeKind`. */
  readonly byOutcome: Readonly<Record<string, number>>
  /** Hits by the tier that had the copy. */
  readonly hits: { readonly memory: number; readonly redis: number }
  /** Reads of cached routes that went on to the upstream, by `detail` of their outcome, or `none`. */
  readonly misses: Readonly<Record<string, number>>
  /** By class of status: `2xx`, `3xx`, `4xx`, `5xx`. */
  readonly byStatus: Readonly<Record<string, number>>
  /** Answers with a status of 500 and above that came from the upstream. */
  readonly upstreamErrors: number
  /** Turned away, since the instance had too much under way. */
  readonly shed: number
  /** Turned away, since their tenant had too much under way. */
  readonly limited: number
  /** Reads of cached resources that were answered with neither a copy nor a valid answer of the API. */
  readonly failedReads: number
}

/** Outcomes of reads that asked the upstream although the cache had a say. */
const MISSED: ReadonlySet<unknown> = new Set(['fill', 'bypass'])
const FROM_UPSTREAM: ReadonlySet<unknown> = new Set(['fill', 'follower', 'bypass', 'pass-through'])

export function requestTotals(samples: Samples): RequestTotals {
  const hits = samples.sumBy('layby_requests_total', 'tier', ({ outcome }) => outcome === 'hit')
  return {
    total: samples.sum('layby_requests_total'),
    byOutcome: samples.sumBy('layby_requests_total', 'outcome'),
    hits: { memory: hits['memory'] ?? 0, redis: hits['redis'] ?? 0 },
    misses: samples.sumBy('layby_requests_total', 'reason', ({ outcome }) => MISSED.has(outcome)),
    byStatus: statusClasses(samples),
    upstreamErrors: samples.sum(
      'layby_requests_total',
      ({ outcome, code }) => FROM_UPSTREAM.has(outcome) && Number(code) >= 500,
    ),
    shed: samples.sum(
      'layby_requests_total',
      ({ outcome, code }) => code === '503' && outcome === 'refused',
    ),
    limited: samples.sum(
      'layby_requests_total',
      ({ outcome, reason }) => outcome === 'failed' && reason === 'limited',
    ),
    failedReads: samples.sum('layby_failed_reads_total'),
  }
}

function statusClasses(samples: Samples): Record<string, number> {
  const classes: Record<string, number> = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 }
  for (const [code, count] of Object.entries(samples.sumBy('layby_requests_total', 'code'))) {
    const name = `${code[0]}xx`
    // What is counted together has no status.
    if (name in classes) classes[name] = (classes[name] ?? 0) + count
  }
  return classes
}

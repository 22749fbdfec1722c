/** The single numbers of the page: each `data-value` and what it shows. */
import { hitShare, joined, perSecond, quantile } from './figures.js'
import { bytes, duration, percent, rate, span, whole } from './format.js'

/**
 * @typedef {object} View
 * @property {import('../../src/ops/snapshot.ts').Snapshot} snapshot
 * @property {import('../../src/ops/figures.ts').Figures} figures of the last while
 * @property {string} during what that while is called
 */

/** Totals, as in the metrics. @type {Record<string, (view: View) => number>} */
const COUNTS = {
  requests: ({ snapshot }) => snapshot.requests.total,
  saved: ({ snapshot }) => snapshot.upstream.saved,
  calls: ({ snapshot }) => snapshot.upstream.calls,
  memoryHits: ({ snapshot }) => snapshot.requests.hits.memory,
  redisHits: ({ snapshot }) => snapshot.requests.hits.redis,
  fills: ({ snapshot }) => snapshot.requests.byOutcome.fill ?? 0,
  followers: ({ snapshot }) => snapshot.followers,
  evictions: ({ snapshot }) => snapshot.memory.evictions,
  entries: ({ snapshot }) => snapshot.memory.entries,
  staleness: ({ snapshot }) => snapshot.staleness.count,
}

/** @type {Record<string, (view: View) => string>} */
const TEXTS = {
  hitRatio: ({ figures }) => percent(hitShare(figures, 'any')),
  window: ({ during }) => during,
  clientErrors: ({ figures }) => whole(figures.byStatus['4xx'] ?? 0),
  clientErrorShare: ({ figures }) => shareOfRequests(figures, '4xx'),
  serverErrors: ({ figures }) => whole(figures.byStatus['5xx'] ?? 0),
  serverErrorShare: ({ figures }) => shareOfRequests(figures, '5xx'),
  host: ({ snapshot }) => snapshot.host,
  instance: ({ snapshot }) => `instance ${snapshot.instance.slice(0, 8)}`,
  version: ({ snapshot }) => `version ${snapshot.version}`,
  upstreamName: ({ snapshot }) => snapshot.upstream.name,
  queueLength: ({ snapshot }) => whole(snapshot.upstream.queueLength),
  queueP95: ({ figures }) => duration(quantile(figures.queueWait, 0.95)),
  upstream: ({ snapshot }) => `API ${snapshot.upstream.name}`,
  requestRate: ({ figures }) => rate(perSecond(figures, figures.requests)),
  hitP95: ({ figures }) => p95(figures, 'hit'),
  fillP95: ({ figures }) => p95(figures, 'fill'),
  memoryUse: ({ snapshot: { memory } }) => `${bytes(memory.bytes)} of ${bytes(memory.maxBytes)}`,
  resident: ({ snapshot: { memory } }) => bytes(memory.residentBytes),
  redisUse: ({ snapshot: { redis, requests } }) =>
    redis === null ? 'no Redis configured' : whole(requests.hits.redis),
  stalenessP50: ({ snapshot }) => duration(quantile(joined([snapshot.staleness]), 0.5)),
  stalenessP99: ({ snapshot }) => duration(quantile(joined([snapshot.staleness]), 0.99)),
  followersPerFill: ({ snapshot: { followers, requests } }) =>
    requests.byOutcome.fill ? (followers / requests.byOutcome.fill).toFixed(2) : '–',
  uptime: ({ snapshot: { at, startedAt } }) =>
    startedAt === null ? '' : `up for ${span((at - startedAt) / 1000)}`,
  sharing: ({ snapshot }) => `sharing: ${snapshot.sharing.mode}`,
}

/** @param {View['figures']} figures @param {string} status */
function shareOfRequests({ byStatus, requests }, status) {
  return requests === 0 ? '–' : percent((byStatus[status] ?? 0) / requests)
}

/** @param {View['figures']} figures @param {string} outcome */
function p95({ latency }, outcome) {
  return latency[outcome] ? duration(quantile(latency[outcome], 0.95)) : '–'
}

/** @param {View} view */
export function showValues(view) {
  for (const element of document.querySelectorAll('[data-value]')) {
    const name = element.getAttribute('data-value') ?? ''
    if (element instanceof HTMLDataElement) {
      const count = COUNTS[name](view)
      element.value = String(count)
      element.textContent = whole(count)
    } else element.textContent = TEXTS[name](view)
  }
  const { bytes: used, maxBytes } = view.snapshot.memory
  const meter = /** @type {HTMLMeterElement} */ (document.getElementById('memory'))
  meter.value = maxBytes === 0 ? 0 : used / maxBytes
}

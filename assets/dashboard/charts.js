/** What the charts show. */
import { drawChart } from './chart.js'
import { duration, percent, rate, whole } from './format.js'

/** From nothing up, and some air above. @type {import('uplot').Scale['range']} */
const fromZero = (_, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)]
/** @type {import('uplot').Scale['range']} */
const toAll = () => [0, 1.02]
/** Hits take microseconds and fills what the API takes: only a logarithm shows both. @type {import('uplot').Scale} */
const LOGARITHMIC = {
  distr: 3,
  range: (_, min, max) => [Math.min(min ?? 1e-5, 1e-5), Math.max(max ?? 1, 1)],
}

/** Of connections and requests there are no halves. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
/** @param {number | null} count */
const some = (count) => (count === null ? '–' : whole(count))

/** @type {readonly import('./chart.js').Chart[]} */
const CHARTS = [
  {
    name: 'hits',
    format: percent,
    scale: { range: toAll },
    lines: [
      { label: 'Memory', of: 'memoryShare' },
      { label: 'Redis', of: 'redisShare' },
    ],
  },
  {
    name: 'rate',
    format: rate,
    scale: { range: fromZero },
    lines: [
      { label: 'All', of: 'requestRate' },
      { label: 'Hits', of: 'hitRate' },
      { label: 'Passed through', of: 'passThroughRate' },
    ],
  },
  {
    name: 'errors',
    format: rate,
    scale: { range: fromZero },
    lines: [
      { label: '5xx', of: 'serverErrorRate' },
      { label: '4xx', of: 'clientErrorRate' },
      { label: 'Failed calls to the API', of: 'upstreamErrorRate' },
    ],
  },
  {
    name: 'saved',
    format: rate,
    scale: { range: fromZero },
    lines: [
      { label: 'Saved a second', of: 'savedRate' },
      { label: 'Made a second', of: 'callRate' },
    ],
  },
  {
    name: 'latency',
    format: duration,
    scale: LOGARITHMIC,
    lines: [
      { label: 'Hit, p95', of: 'hitP95' },
      { label: 'Fill, p95', of: 'fillP95' },
      { label: 'Pass-through, p95', of: 'passThroughP95' },
    ],
  },
  {
    name: 'upstream',
    format: some,
    steps: WHOLE_STEPS,
    scale: { range: fromZero },
    lines: [
      { label: 'Connections in use', of: 'active' },
      { label: 'Idle', of: 'idle' },
      { label: 'Requests that wait', of: 'waiting' },
    ],
  },
  {
    name: 'evictions',
    format: rate,
    scale: { range: fromZero },
    lines: [{ label: 'Evicted a second', of: 'evictionRate' }],
  },
  {
    name: 'event-loop',
    format: percent,
    scale: { range: toAll },
    lines: [{ label: 'Busy', of: 'eventLoopShare' }],
  },
]

export function drawCharts() {
  const draws = CHARTS.map(drawChart)
  return (/** @type {readonly import('../../src/ops/points.ts').Point[]} */ points) => {
    for (const draw of draws) draw(points)
  }
}

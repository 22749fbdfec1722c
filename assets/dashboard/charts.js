/** What the charts show. */
import { drawChart } from './chart.js'
import { hitShare, perSecond, quantile } from './figures.js'
import { duration, percent, rate } from './format.js'

/** @typedef {import('../../src/ops/figures.ts').Figures} Figures */

/** From nothing up, and some air above. @type {import('uplot').Scale['range']} */
const fromZero = (_, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)]

/** @param {string} outcome */
const p95 =
  (outcome) =>
  (/** @type {Figures} */ { latency }) =>
    latency[outcome] ? quantile(latency[outcome], 0.95) : null

/** @param {(figures: Figures) => number | undefined} of */
const aSecond = (of) => (/** @type {Figures} */ figures) => perSecond(figures, of(figures) ?? 0)

export function drawCharts() {
  const draws = [
    drawChart({
      name: 'hits',
      format: percent,
      scale: { range: () => [0, 1.02] },
      lines: [
        { label: 'Memory', of: (figures) => hitShare(figures, 'memory') },
        { label: 'Redis', of: (figures) => hitShare(figures, 'redis') },
      ],
    }),
    drawChart({
      name: 'rate',
      format: rate,
      scale: { range: fromZero },
      lines: [
        { label: 'All', of: aSecond(({ requests }) => requests) },
        { label: 'Hits', of: aSecond(({ hits }) => hits.memory + hits.redis) },
        { label: 'Passed through', of: aSecond(({ byOutcome }) => byOutcome['pass-through']) },
      ],
    }),
    drawChart({
      name: 'saved',
      format: rate,
      scale: { range: fromZero },
      lines: [
        { label: 'Saved a second', of: aSecond(({ saved }) => saved) },
        { label: 'Made a second', of: aSecond(({ calls }) => calls) },
      ],
    }),
    drawChart({
      name: 'latency',
      format: duration,
      // Hits take microseconds and fills what the API takes: only a logarithm shows both.
      scale: {
        distr: 3,
        range: (_, min, max) => [Math.min(min ?? 1e-5, 1e-5), Math.max(max ?? 1, 1)],
      },
      lines: [
        { label: 'Hit, p95', of: p95('hit') },
        { label: 'Fill, p95', of: p95('fill') },
        { label: 'Pass-through, p95', of: p95('pass-through') },
      ],
    }),
  ]
  return (/** @type {readonly import('./history.js').Point[]} */ points) => {
    for (const draw of draws) draw(points)
  }
}

/** What the charts show. */
import { drawChart } from './chart.js'
import { duration, percent, rate } from './format.js'

/** From nothing up, and some air above. @type {import('uplot').Scale['range']} */
const fromZero = (_, _min, max) => [0, Math.max(1, (max ?? 0) * 1.15)]

export function drawCharts() {
  const draws = [
    drawChart({
      name: 'hits',
      format: percent,
      scale: { range: () => [0, 1.02] },
      lines: [
        { label: 'Memory', of: 'memoryShare' },
        { label: 'Redis', of: 'redisShare' },
      ],
    }),
    drawChart({
      name: 'rate',
      format: rate,
      scale: { range: fromZero },
      lines: [
        { label: 'All', of: 'requestRate' },
        { label: 'Hits', of: 'hitRate' },
        { label: 'Passed through', of: 'passThroughRate' },
      ],
    }),
    drawChart({
      name: 'saved',
      format: rate,
      scale: { range: fromZero },
      lines: [
        { label: 'Saved a second', of: 'savedRate' },
        { label: 'Made a second', of: 'callRate' },
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
        { label: 'Hit, p95', of: 'hitP95' },
        { label: 'Fill, p95', of: 'fillP95' },
        { label: 'Pass-through, p95', of: 'passThroughP95' },
      ],
    }),
  ]
  return (/** @type {readonly import('../../src/ops/points.ts').Point[]} */ points) => {
    for (const draw of draws) draw(points)
  }
}

/** A chart of lines over the last minutes, which says its latest values in words as well. */
import uPlot from './uplot.js'

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {keyof import('../../src/ops/points.ts').PointValues} of
 *
 * @typedef {object} Chart
 * @property {string} name of the element, in `data-chart`
 * @property {readonly Line[]} lines at most three
 * @property {(value: number | null) => string} format
 * @property {import('uplot').Scale} scale
 */

const HEIGHT = 190
/** Told apart without colour. */
const STYLES = [
  { name: 'one', dash: [], width: 2 },
  { name: 'two', dash: [7, 4], width: 2 },
  { name: 'three', dash: [2, 3], width: 2 },
]

/** @param {Chart} chart */
export function drawChart(chart) {
  const element = document.querySelector(`[data-chart="${chart.name}"]`)
  const legend = addLegend(element, chart)
  const plotElement = element.appendChild(document.createElement('div'))
  plotElement.setAttribute('role', 'img')
  const title = element.parentElement?.querySelector('h2')?.textContent
  const plot = new uPlot(options(chart, plotElement.clientWidth), [[]], plotElement)
  new ResizeObserver(() =>
    plot.setSize({ width: plotElement.clientWidth, height: HEIGHT }),
  ).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw(false))

  /** @param {readonly import('../../src/ops/points.ts').Point[]} points */
  return (points) => {
    const values = chart.lines.map(({ of }) =>
      points.map(({ values }) => (values === null ? null : values[of])),
    )
    plot.setData([points.map(({ at }) => at), ...values])
    const latest = chart.lines.map(
      ({ label }, at) => `${label} ${chart.format(values[at].at(-1) ?? null)}`,
    )
    plotElement.setAttribute('aria-label', `${title}, lately: ${latest.join(', ')}`)
    for (const [at, value] of legend.entries())
      value.textContent = chart.format(values[at].at(-1) ?? null)
  }
}

/** @param {Element} element @param {Chart} chart @returns {Element[]} where the values go */
function addLegend(element, chart) {
  const list = element.appendChild(document.createElement('ul'))
  list.className = 'legend'
  return chart.lines.map(({ label }, at) => {
    const item = list.appendChild(document.createElement('li'))
    item.append(sample(STYLES[at]), label)
    return item.appendChild(document.createElement('b'))
  })
}

/** @param {(typeof STYLES)[number]} style */
function sample({ name, dash }) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 26 8')
  svg.setAttribute('aria-hidden', 'true')
  const line = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path'))
  line.setAttribute('d', 'M0 4h26')
  line.setAttribute('class', name)
  line.setAttribute('stroke-width', '2.5')
  line.setAttribute('stroke-dasharray', dash.join(' '))
  return svg
}

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)

/** The first seconds do not stretch over the whole width. @type {import('uplot').Scale['range']} */
const aMinuteAtLeast = (_, min, max) => [Math.min(min ?? 0, (max ?? 0) - 60), max ?? 0]

/** Of a logarithmic scale, the whole powers of ten. @param {unknown} _ @param {number[]} at */
const decades = (_, at) => at.map((value) => (Number.isInteger(Math.log10(value)) ? value : null))

/** @param {Chart} chart @param {number} width */
function options(chart, width) {
  const isLogarithmic = chart.scale.distr === 3
  const axis = {
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('line'), width: 1, ...(isLogarithmic ? { filter: decades } : {}) },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: { x: { time: true, range: aMinuteAtLeast }, y: chart.scale },
    axes: [
      {
        ...axis,
        space: 90,
        size: 28,
        grid: { show: false },
        values: (_, at) => at.map((second) => new Date(second * 1000).toLocaleTimeString('en-GB')),
      },
      {
        ...axis,
        size: 62,
        values: (_, at) => at.map((value) => (value === null ? '' : chart.format(value))),
      },
    ],
    series: [
      {},
      ...chart.lines.map(({ label }, at) => ({
        label,
        stroke: () => colour(STYLES[at].name),
        width: STYLES[at].width,
        dash: STYLES[at].dash,
        points: { show: false },
      })),
    ],
  }
}

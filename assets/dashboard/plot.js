/** The picture of a chart: uPlot in the page's colours, as large as its place. */
import { timeOfDay } from './format.js'
import uPlot from './uplot.js'

/** @typedef {import('./chart.js').Chart} Chart */

/** Told apart without colour. */
export const STYLES = [
  { name: 'one', dash: [], width: 2 },
  { name: 'two', dash: [7, 4], width: 2 },
  { name: 'three', dash: [2, 3], width: 2 },
]

/** @param {Chart} chart @param {HTMLElement} area @param {(at: number | null) => void} onPointed index of the point */
export function addPlot(chart, area, onPointed) {
  const size = () => ({ width: area.clientWidth, height: area.clientHeight })
  /** Only what a pointer does is reported: where keys put the cursor, their handler knows. */
  const pointed = (/** @type {import('uplot')} */ { cursor }) => {
    if (area.matches(':hover')) onPointed(cursor.left < 0 ? null : (cursor.idx ?? null))
  }
  /** Where keys have put the cursor, in seconds since 1970. @type {number | null} */
  let seconds = null
  /** The scale and the size of the chart have changed with what is drawn. */
  const drawn = (/** @type {import('uplot')} */ drawing) => {
    if (seconds !== null) drawing.setCursor({ left: drawing.valToPos(seconds, 'x'), top: 1 }, false)
  }
  const hooks = { setCursor: [pointed], draw: [drawn] }
  const plot = new uPlot({ ...options(chart), ...size(), hooks }, [[]], area)
  new ResizeObserver(() => plot.setSize(size())).observe(area)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw(false))
  area.addEventListener('pointerleave', () => onPointed(null))
  return {
    /** @param {import('uplot').AlignedData} data */
    draw: (data) => plot.setData(data),
    /** Stays there whatever is drawn. @param {number | null} at seconds since 1970; null: no cursor */
    point(at) {
      seconds = at
      if (at === null) plot.setCursor({ left: -10, top: -10 }, false)
      else drawn(plot)
    },
  }
}

/** Before anything was heard the axis is at the beginning of time. */
const FIRST_SECOND = 1e9

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)

/** The first seconds do not stretch over the whole width. @type {import('uplot').Scale['range']} */
const aMinuteAtLeast = (_, min, max) => [Math.min(min ?? 0, (max ?? 0) - 60), max ?? 0]

/** Of a logarithmic scale, the whole powers of ten. @param {unknown} _ @param {number[]} at */
const decades = (_, at) => at.map((value) => (Number.isInteger(Math.log10(value)) ? value : null))

/** @param {Chart} chart */
function options(chart) {
  const isLogarithmic = chart.scale.distr === 3
  const axis = {
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('line'), width: 1, ...(isLogarithmic ? { filter: decades } : {}) },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [8, 26, 0, 0],
    scales: { x: { time: true, range: aMinuteAtLeast }, y: chart.scale },
    axes: [
      {
        ...axis,
        space: 90,
        size: 28,
        grid: { show: false },
        values: (_, at) =>
          at.map((second) => (second < FIRST_SECOND ? '' : timeOfDay(second * 1000))),
      },
      {
        ...axis,
        size: 62,
        ...(chart.steps === undefined ? {} : { incrs: chart.steps }),
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

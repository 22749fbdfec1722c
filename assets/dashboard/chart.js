/**
 * A chart of lines over the last hour at most. It says its latest values in words, and those of any moment: that of
 * the pointer, or of the cursor that keys move.
 */

import { addCursor } from './cursor.js'
import { timeOfDay } from './format.js'
import { addPlot, STYLES } from './plot.js'
import { addReading } from './reading.js'

/** @typedef {import('../../src/ops/points.ts').Point} Point */
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
 * @property {readonly number[]} [steps] of the lines across; left out: any
 */

/** @param {Chart} chart @returns {(points: readonly Point[]) => void} */
export function drawChart(chart) {
  const element = document.querySelector(`[data-chart="${chart.name}"]`)
  const legend = addLegend(element, chart)
  const area = addArea(element)
  const reading = addReading(element)
  const title = element.parentElement?.querySelector('h2')?.textContent
  /** @type {readonly Point[]} */
  let points = []
  const told = (/** @type {Point | null} */ point) => (point ? inWords(chart, point) : '')
  const plot = addPlot(chart, area, (index) =>
    reading.show(told(index === null ? null : points[index]), false),
  )
  addCursor(
    area,
    () => points,
    (point) => {
      plot.point(point === null ? null : point.at)
      reading.show(told(point), true)
    },
  )

  return (shown) => {
    points = shown
    plot.draw(columnsOf(chart, points))
    const latest = chart.lines.map(({ of }) => chart.format(valueAt(points.at(-1), of)))
    for (const [at, value] of legend.entries()) value.textContent = latest[at]
    const lately = chart.lines.map(({ label }, at) => `${label} ${latest[at]}`).join(', ')
    area.setAttribute('aria-label', `${title}, lately: ${lately}. Arrow keys read earlier values`)
    reading.spans(points.length < 2 ? 0 : points[points.length - 1].at - points[0].at)
  }
}

/** Takes the focus, and all keys but those that leave it. @param {Element} element */
function addArea(element) {
  const area = element.appendChild(document.createElement('div'))
  area.className = 'plot'
  area.tabIndex = 0
  area.setAttribute('role', 'application')
  area.setAttribute('aria-roledescription', 'chart')
  return area
}

/** @param {Chart} chart @param {Point} point */
function inWords({ lines, format }, point) {
  const values = lines.map(({ label, of }) => `${label} ${format(valueAt(point, of))}`)
  const text = point.values === null ? 'nothing was heard' : values.join(', ')
  return `${timeOfDay(point.at * 1000)}: ${text}`
}

/** @param {Chart} chart @param {readonly Point[]} points */
function columnsOf({ lines }, points) {
  return [
    points.map(({ at }) => at),
    ...lines.map(({ of }) => points.map((point) => valueAt(point, of))),
  ]
}

/** @param {Point | undefined} point @param {Line['of']} of */
function valueAt(point, of) {
  return point?.values?.[of] ?? null
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

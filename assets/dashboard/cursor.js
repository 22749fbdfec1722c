/** The cursor of a chart, moved by keys: it stays at its moment while the chart goes on. */

/** @typedef {import('../../src/ops/points.ts').Point} Point */

/** How far a key moves it, in points. @type {Record<string, number>} */
const MOVES = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
}

/**
 * @param {HTMLElement} area
 * @param {() => readonly Point[]} pointsOf oldest first
 * @param {(point: Point | null) => void} onMove null: it is gone
 */
export function addCursor(area, pointsOf, onMove) {
  /** Since 1970. @type {number | null} */
  let seconds = null
  const leave = () => {
    seconds = null
    onMove(null)
  }
  area.addEventListener('blur', leave)
  area.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    if (event.key === 'Escape') return leave()
    const move = MOVES[event.key]
    const points = pointsOf()
    if (move === undefined || points.length === 0) return
    event.preventDefault()
    const last = points.length - 1
    // The first step back goes to the latest point.
    const from = seconds === null ? last + (move < 0 ? 1 : 0) : nearest(points, seconds)
    const point = points[Math.min(last, Math.max(0, from + move))]
    seconds = point.at
    onMove(point)
  })
}

/** @param {readonly Point[]} points @param {number} wanted */
function nearest(points, wanted) {
  const index = points.findIndex(({ at }) => at >= wanted)
  return index === -1 ? points.length - 1 : index
}

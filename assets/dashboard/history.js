/** The last hour of an instance: snapshots of the last minute for rates, and points for the charts. */
import { figuresBetween } from './figures.js'
import { pointBetween } from './points.js'

/** @typedef {import('../../src/ops/snapshot.ts').Snapshot} Snapshot */
/** @typedef {import('../../src/ops/figures.ts').Figures} Figures */
/** @typedef {import('../../src/ops/points.ts').Point} Point */

/** What "the last minute" is, and how much of it is enough to speak of it. */
const MINUTE_MS = 60_000
const ENOUGH_MS = 10_000
/** A point of a chart is the mean of so long. */
const POINT_MS = 5_000
const SHOWN_SECONDS = 3_600
/** So many are kept as they came, older ones as far apart as those that the server keeps. */
const RECENT_POINTS = 300
const OLDER_SECONDS = 15

export class History {
  /** @type {Snapshot[]} */
  #snapshots = []
  /** @type {Point[]} */
  points = []

  /** @param {Snapshot} snapshot */
  add(snapshot) {
    const last = this.#snapshots.at(-1)
    // Another process, whose totals start from zero.
    if (last && last.instance !== snapshot.instance) this.#snapshots = []
    const before = this.#since(snapshot.monotonicMs - POINT_MS)
    this.#snapshots.push(snapshot)
    while (snapshot.monotonicMs - this.#snapshots[0].monotonicMs > MINUTE_MS + 1_000)
      this.#snapshots.shift()
    if (before) this.#point(pointBetween(before, snapshot))
  }

  /** What the server has kept is put in where nothing was heard. @param {readonly Point[]} kept oldest first */
  fill(kept) {
    if (kept.length === 0) return
    const [first, last] = [kept[0].at, kept[kept.length - 1].at]
    const before = this.points.filter(({ at }) => at < first)
    const after = this.points.filter(({ at, values }) => at > last && values !== null)
    this.points = [...before, ...kept, ...after]
  }

  /** A gap in the charts. */
  pause() {
    const last = this.points.at(-1)
    if (last?.values) this.#point({ at: last.at + 0.5, values: null })
  }

  /** @returns {{ figures: Figures, during: string }} of the last minute, or of the whole life until there is enough */
  recent() {
    const last = this.#snapshots[this.#snapshots.length - 1]
    const first = this.#since(last.monotonicMs - MINUTE_MS) ?? last
    const ms = last.monotonicMs - first.monotonicMs
    if (ms < ENOUGH_MS) return { figures: figuresBetween(null, last), during: 'since the start' }
    const during =
      ms > MINUTE_MS - 2_000 ? 'in the last minute' : `in the last ${Math.round(ms / 1000)} s`
    return { figures: figuresBetween(first, last), during }
  }

  /** The oldest that is not older. @param {number} monotonicMs */
  #since(monotonicMs) {
    return this.#snapshots.find((each) => each.monotonicMs >= monotonicMs)
  }

  /** @param {Point} point */
  #point(point) {
    const { points } = this
    points.push(point)
    const at = points.length - RECENT_POINTS
    if (at > 0 && isCrowded(points[at - 1], points[at])) points.splice(at, 1)
    while (points[0].at < point.at - SHOWN_SECONDS) points.shift()
  }
}

/** @param {Point} earlier @param {Point} later */
function isCrowded(earlier, later) {
  return earlier.values !== null && later.values !== null && later.at - earlier.at < OLDER_SECONDS
}

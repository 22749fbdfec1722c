/** The last minutes of an instance: snapshots for rates, and points for the charts. */
import { figuresBetween } from './figures.js'

/** @typedef {import('../../src/ops/snapshot.ts').Snapshot} Snapshot */
/** @typedef {import('../../src/ops/figures.ts').Figures} Figures */
/** @typedef {{ at: number, figures: Figures | null }} Point seconds since 1970; null: nothing was heard */

const MAX_POINTS = 300
/** What "the last minute" is, and how much of it is enough to speak of it. */
const MINUTE_MS = 60_000
const ENOUGH_MS = 10_000
/** A point of a chart is the mean of so long. */
const POINT_MS = 5_000

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
    if (before) this.#point({ at: snapshot.at / 1000, figures: figuresBetween(before, snapshot) })
  }

  /** A gap in the charts. */
  pause() {
    const last = this.points.at(-1)
    if (last?.figures) this.#point({ at: last.at + 0.5, figures: null })
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
    this.points.push(point)
    if (this.points.length > MAX_POINTS) this.points.shift()
  }
}

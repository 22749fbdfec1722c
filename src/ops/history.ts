/**
 * The last hour of an instance, for a page that was just opened: one point for each quarter of a minute, in bounded
 * space. Lost with the process.
 */
import { type Point, pointBetween } from './points.ts'
import type { Snapshot } from './snapshot.ts'

const EVERY_MS = 15_000
const MAX_POINTS = 240
/** Of less than that, rates would say little. */
const MIN_POINT_MS = 1_000

export class History {
  /** Oldest first. */
  readonly #points: Point[] = []
  #last: Snapshot | null = null

  /** To be given snapshots at even distances. */
  add(snapshot: Snapshot): void {
    const last = this.#last
    this.#last = snapshot
    if (last === null) return
    this.#points.push(pointBetween(last, snapshot))
    if (this.#points.length > MAX_POINTS) this.#points.shift()
  }

  /** Oldest first, up to now. The last one is not kept: asking often pushes nothing out. */
  upTo(now: Snapshot): Point[] {
    const last = this.#last
    const isNews = last !== null && now.monotonicMs - last.monotonicMs >= MIN_POINT_MS
    return isNews ? [...this.#points, pointBetween(last, now)] : [...this.#points]
  }
}

export interface HistoryRecorder {
  start(): void
  end(): void
}

/** @param take may fail: then there is no point this time */
export function recordHistory(history: History, take: () => Promise<Snapshot>): HistoryRecorder {
  let timer: NodeJS.Timeout | null = null
  const note = async (): Promise<void> => {
    try {
      history.add(await take())
    } catch {
      // A gauge could not be read, for instance while no file can be opened.
    }
  }
  return {
    start: () => {
      timer ??= setInterval(() => void note(), EVERY_MS).unref()
      void note()
    },
    end: () => {
      if (timer !== null) clearInterval(timer)
    },
  }
}

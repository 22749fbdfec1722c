/**
 * Whether the process is short of time or memory. By hand and not by @fastify/under-pressure, which reads the
 * process's memory from a file, and ends the process where no file can be opened any more (reliability F39).
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const SAMPLE_MS = 250
const RESOLUTION_MS = 10
/** Of the heap that Node allows itself; beyond it, collecting takes most of the time. */
const MAX_HEAP_SHARE = 0.9

export class Pressure {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #maxEventLoopDelayMs: number
  readonly #onChange: (isHigh: boolean) => void
  readonly #timer: NodeJS.Timeout
  #counted = 0
  #summedNs = 0
  #isHigh = false

  /** @param maxEventLoopDelayMs the mean over a quarter of a second; 0: no limit */
  constructor(maxEventLoopDelayMs: number, onChange: (isHigh: boolean) => void) {
    this.#onChange = onChange
    this.#maxEventLoopDelayMs = maxEventLoopDelayMs
    this.#delays.enable()
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  get isHigh(): boolean {
    return this.#isHigh
  }

  close(): void {
    clearInterval(this.#timer)
    this.#delays.disable()
  }

  #sample(): void {
    const isLate = this.#maxEventLoopDelayMs > 0 && this.#meanDelayMs() > this.#maxEventLoopDelayMs
    const heap = getHeapStatistics()
    const isHigh = isLate || heap.used_heap_size > MAX_HEAP_SHARE * heap.heap_size_limit
    if (isHigh === this.#isHigh) return
    this.#isHigh = isHigh
    this.#onChange(isHigh)
  }

  /**
   * Of the turns since the last sample, by the difference to it. Not by `reset()`: that forgets when the last turn
   * was, and a loop whose every turn takes longer than a sample would never count one.
   */
  #meanDelayMs(): number {
    const { count } = this.#delays
    const summedNs = count === 0 ? 0 : this.#delays.mean * count
    const turns = count - this.#counted
    const meanNs = turns === 0 ? 0 : (summedNs - this.#summedNs) / turns
    this.#counted = count
    this.#summedNs = summedNs
    return meanNs / 1e6 - RESOLUTION_MS
  }
}

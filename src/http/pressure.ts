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
  readonly #timer: NodeJS.Timeout
  #isHigh = false

  /** @param maxEventLoopDelayMs the mean over a quarter of a second; 0: no limit */
  constructor(maxEventLoopDelayMs: number) {
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
    const delayMs = this.#delays.mean / 1e6 - RESOLUTION_MS
    this.#delays.reset()
    const isLate = this.#maxEventLoopDelayMs > 0 && delayMs > this.#maxEventLoopDelayMs
    const heap = getHeapStatistics()
    this.#isHigh = isLate || heap.used_heap_size > MAX_HEAP_SHARE * heap.heap_size_limit
  }
}

/**
 * The only place that reads the machine's clocks. Everything else takes a `Clock`, so that tests
 * and the shift simulation run on virtual time.
 */
import { performance } from 'node:perf_hooks'

export interface Clock {
  /** Milliseconds on a clock that never jumps. All lifetimes, ages and deadlines use this one. */
  monotonic(): number
  /** Milliseconds since 1970-01-01 UTC. It may jump: for log lines, `Date` headers, and coarse bounds that say what they allow for. */
  wall(): number
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
}

/** Whether memory has grown along a run of hits. Pure. */
import { median } from '../report.ts'

export type Sample = {
  /** Answered so far. */
  readonly hits: number
  readonly residentMib: number
  readonly heapMib: number
  readonly externalMib: number
}

/** Of a tenth of the run. */
export type Level = {
  readonly from: number
  readonly to: number
  readonly residentMib: number
  readonly heapMib: number
  readonly externalMib: number
}

export type Growth = {
  readonly warm: Level
  readonly last: Level
  readonly residentMib: number
  readonly heapMib: number
  readonly bytesPerHit: number
  readonly isWithin: boolean
}

/** Hits after which everything has been compiled, and every buffer has the size that it keeps. */
export const WARM_UP_HITS = 1_000_000

/**
 * Samples are taken after a full collection, so what is seen is what is kept. The least that can be kept for
 * each hit is one pointer, 8 bytes: over the nine million hits from the warm-up to the end that is 69 MiB. A
 * sixteenth of it finds also what is kept for every sixteenth hit, and is several times what a run without a
 * leak moves by. The resident set holds the allocators' slack too, and what the young generation happens to
 * have touched: a quarter.
 */
export const HEAP_BOUND_MIB = 4
export const RESIDENT_BOUND_MIB = 16

/** @param samples in the order they were taken */
export function growthOf(samples: readonly Sample[], total: number): Growth {
  const warmUp = Math.min(WARM_UP_HITS, total / 10)
  const tenth = total / 10
  const warm = levelOf(samples, warmUp, warmUp + tenth)
  const last = levelOf(samples, total - tenth, total)
  const residentMib = last.residentMib - warm.residentMib
  const heapMib = last.heapMib - warm.heapMib
  return {
    warm,
    last,
    residentMib,
    heapMib,
    bytesPerHit: (residentMib * 1_048_576) / (total - warmUp - tenth),
    isWithin: residentMib <= RESIDENT_BOUND_MIB && heapMib <= HEAP_BOUND_MIB,
  }
}

function levelOf(samples: readonly Sample[], from: number, to: number): Level {
  const own = samples.filter(({ hits }) => hits > from && hits <= to)
  if (own.length === 0) throw new Error(`no sample between ${from} and ${to} hits`)
  return {
    from,
    to,
    residentMib: median(own.map(({ residentMib }) => residentMib)),
    heapMib: median(own.map(({ heapMib }) => heapMib)),
    externalMib: median(own.map(({ externalMib }) => externalMib)),
  }
}

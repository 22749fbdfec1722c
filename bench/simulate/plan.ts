/**
 * Who reads and writes what, and when: the same shift for every mode and lifetime, drawn from the seed.
 */
import { type Random, seededRandom } from '../../demo/data.ts'
import type { Change, Viewer } from './upstream.ts'

/** Times in milliseconds from the start of the shift. */
export type Planned =
  | {
      readonly kind: 'read'
      readonly at: number
      readonly reader: number
      readonly customer: string
    }
  | {
      readonly kind: 'write'
      readonly at: number
      readonly writer: number
      readonly customer: string
      readonly change: Change
      /** False: it comes past Layby. */
      readonly seen: boolean
    }
  /** The reader's token is withdrawn while it is in use. */
  | { readonly kind: 'revoke'; readonly at: number; readonly reader: number }
  /** The reader's role is changed. */
  | {
      readonly kind: 'reassign'
      readonly at: number
      readonly reader: number
      readonly to: Viewer
    }

export interface Plan {
  /** What each reader is at first: dispatchers, then drivers. */
  readonly readers: readonly Viewer[]
  readonly events: readonly Planned[]
}

export interface PlanOptions {
  readonly hours: number
  readonly seed: number
  /** Share of the writes that come past Layby. */
  readonly unseen: number
}

interface Stop {
  readonly at: number
  readonly driver: number
  readonly customer: string
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

const DISPATCHERS = 5
const DRIVERS = 50
const THIRD_PARTY_DRIVERS = 15
const STOPS_IN_8_HOURS = 15
const DISTRICTS = 10
/** Customers 1 to 12 are places where all drivers go; each district has 50 of its own. */
const SHARED_SITES = 12
const CUSTOMERS_PER_DISTRICT = 50
const SHARED_SHARE = 0.4

/**
 * The eight reads of a stop, in seconds from arrival: a look ahead, the last junction, the arrival
 * (where two screens of the app load at once), the work, the departure.
 */
const READS_OF_A_STOP = [-600, -120, 0, 0.03, 5, 180, 420, 600] as const
/** From the first read of a stop to the last. */
const STOP_SPAN_MS = 1_260_000

const DISPATCHER_EVERY_MS = 20_000
/** Two dispatchers' screens happen to tick together. */
const DISPATCHER_PHASES_MS = [0, 40, 6_000, 11_000, 16_000] as const
const OWN_SHARE = 2 / 3
const WRITE_EVERY_MS = 120_000
/** Of each kind; every one befalls another driver. */
const MAX_INCIDENTS = 12

export function planShift({ hours, seed, unseen }: PlanOptions): Plan {
  const random = seededRandom(`shift/${seed}`)
  const durationMs = hours * HOUR_MS
  const stops = planStops(durationMs, random)
  const events: Planned[] = [
    ...stops.flatMap((stop) => readsAround(stop, random)),
    ...dispatcherReads(durationMs, stops, random),
    ...writes(durationMs, stops, unseen, random),
    ...incidents(hours, stops, random),
  ]
  const readers = Array.from({ length: DISPATCHERS + DRIVERS }, (_, reader): Viewer => {
    if (reader < DISPATCHERS) return 'dispatcher'
    return reader - DISPATCHERS < DRIVERS - THIRD_PARTY_DRIVERS ? 'driver' : 'third-party-driver'
  })
  return { readers, events: events.sort((left, right) => left.at - right.at) }
}

function planStops(durationMs: number, random: Random): Stop[] {
  const count = Math.max(1, Math.round((durationMs / HOUR_MS / 8) * STOPS_IN_8_HOURS))
  const spacing = durationMs / count
  const stops: Stop[] = []
  for (let driver = 0; driver < DRIVERS; driver++) {
    for (let index = 0; index < count; index++) {
      const at = index * spacing + STOP_SPAN_MS / 2 + random() * (spacing - STOP_SPAN_MS)
      stops.push({ at, driver, customer: customerFor(driver % DISTRICTS, random) })
    }
  }
  return stops
}

function customerFor(district: number, random: Random): string {
  if (random() < SHARED_SHARE) return String(1 + Math.floor(random() * SHARED_SITES))
  const first = 1 + SHARED_SITES + district * CUSTOMERS_PER_DISTRICT
  return String(first + Math.floor(random() * CUSTOMERS_PER_DISTRICT))
}

function readsAround({ at, driver, customer }: Stop, random: Random): Planned[] {
  return READS_OF_A_STOP.map((seconds) => ({
    kind: 'read',
    at: at + seconds * 1000 * (1 - 0.02 * random()),
    reader: DISPATCHERS + driver,
    customer,
  }))
}

/**
 * A dispatcher looks at the customers where drivers are now: mostly those of its own two districts, one
 * time in three any.
 */
function dispatcherReads(durationMs: number, stops: readonly Stop[], random: Random): Planned[] {
  const reads: Planned[] = []
  for (let dispatcher = 0; dispatcher < DISPATCHERS; dispatcher++) {
    for (let tick = 0; tick < durationMs; tick += DISPATCHER_EVERY_MS) {
      const at = tick + DISPATCHER_PHASES_MS[dispatcher]! + random() * 20
      const all = workingSet(stops, at)
      const own = all.filter(({ driver }) => Math.floor((driver % DISTRICTS) / 2) === dispatcher)
      const looked = random() < OWN_SHARE ? own : all
      const customer = pick(looked, random)?.customer ?? customerFor(dispatcher * 2, random)
      reads.push({ kind: 'read', at, reader: dispatcher, customer })
    }
  }
  return reads
}

/** The stops that are at hand at a moment. */
function workingSet(stops: readonly Stop[], at: number): Stop[] {
  return stops.filter((stop) => Math.abs(stop.at - at) < 15 * MINUTE_MS)
}

function writes(
  durationMs: number,
  stops: readonly Stop[],
  unseen: number,
  random: Random,
): Planned[] {
  const planned: Planned[] = []
  for (let tick = WRITE_EVERY_MS / 2; tick < durationMs; tick += WRITE_EVERY_MS) {
    const at = tick + random() * 10_000
    // What is being worked on is what is changed: three writes in four concern it.
    const current = random() < 0.75 ? pick(workingSet(stops, at), random)?.customer : undefined
    planned.push({
      kind: 'write',
      at,
      writer: Math.floor(random() * DISPATCHERS),
      customer: current ?? customerFor(Math.floor(random() * DISTRICTS), random),
      change: changeOf(random()),
      seen: random() >= unseen,
    })
  }
  return planned
}

function changeOf(drawn: number): Change {
  if (drawn < 0.3) return 'name'
  if (drawn < 0.6) return 'note'
  return drawn < 0.85 ? 'yard' : 'touch'
}

/**
 * One token an hour is withdrawn, and one driver an hour goes over to a third party: during a stop, when it
 * shows most. One dispatcher, who has read many customers by then, becomes a driver.
 */
function incidents(hours: number, stops: readonly Stop[], random: Random): Planned[] {
  const count = Math.min(MAX_INCIDENTS, Math.max(1, Math.floor(hours)))
  const drivers = shuffled(DRIVERS - THIRD_PARTY_DRIVERS, random).slice(0, 2 * count)
  const planned = drivers.map((driver, index): Planned => {
    const stop = pick(
      stops.filter((candidate) => candidate.driver === driver),
      random,
    )!
    const at = stop.at + random() * STOP_SPAN_MS * 0.3
    const reader = DISPATCHERS + driver
    return index % 2 === 0
      ? { kind: 'revoke', at, reader }
      : { kind: 'reassign', at, reader, to: 'third-party-driver' }
  })
  const at = hours * HOUR_MS * 0.6
  return [...planned, { kind: 'reassign', at, reader: DISPATCHERS - 1, to: 'driver' }]
}

/** 0 to `count` - 1 in random order. */
function shuffled(count: number, random: Random): number[] {
  return Array.from({ length: count }, (_, value) => ({ value, rank: random() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ value }) => value)
}

function pick<T>(from: readonly T[], random: Random): T | undefined {
  return from[Math.floor(random() * from.length)]
}

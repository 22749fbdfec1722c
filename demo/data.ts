import type { Address, Contact, Customer, CustomerLocation } from './records.ts'
import { isoMicroseconds } from './records.ts'

/** A source of numbers in [0, 1), the same for the same seed on every machine. */
export type Random = () => number

/** mulberry32 over an FNV-1a hash of the text: small, and good enough to look like real data. */
export function seededRandom(text: string): Random {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

// All invented. Two names are not ASCII, so that `\uXXXX` escapes occur on the wire.
const PLACES = ['Harbor Point', 'Cinder Hill', 'Otter Creek', 'Brücke Nord', 'Quarry Lane', 'Żabka']
const TRADES = ['Salvage', 'Roofing', 'Builders', 'Nursery', 'Demolition', 'Steelworks', 'Paving']
const STREETS = ['Lantern Quay', 'Copper Mill', 'Tanager', 'Weir Bottom', 'Old Signal', 'Larkspur']
const TOWNS = ['Milbrook', 'Eastwater', 'Pinehollow', 'Granby Flats', 'Saltmarsh']
const FIRST_NAMES = ['Robin', 'Ines', 'Malik', 'Greta', 'Tomas', 'Ayu', 'Wendell']
const LAST_NAMES = ['Vale', 'Okafor', 'Lindqvist', 'Moreau', 'Hartono', 'Stroud']
const NOTES = [
  'Call the yard office before the first pick-up',
  'Gate code changes monthly; ask dispatch for the current one.',
  'Leave the can left of the loading dock, never in front of it.',
  'Overhead wires at the entrance; short truck only.',
]

function pick(random: Random, from: readonly string[]): string {
  return from[Math.floor(random() * from.length)] ?? ''
}

function whole(random: Random, from: number, below: number): number {
  return from + Math.floor(random() * (below - from))
}

function coordinate(random: Random, from: number, below: number): number {
  return Number((from + random() * (below - from)).toFixed(6))
}

const FIRST_DAY = Date.UTC(2019, 0, 2)
const DAY = 86_400_000

/** A moment in the past, at least three years ago and to the millisecond. */
function pastMoment(random: Random, fromDay: number, belowDay: number): number {
  return FIRST_DAY + whole(random, fromDay, belowDay) * DAY + whole(random, 0, DAY)
}

function generateAddress(random: Random, flags: { billing: boolean; shipping: boolean }): Address {
  return {
    country: 'US',
    id: BigInt(whole(random, 1_000, 99_999)),
    is_active: true,
    is_billing: flags.billing,
    is_physical: true,
    is_shipping: flags.shipping,
    latitude: coordinate(random, 42, 46),
    line_1: `${whole(random, 10, 9_999)} ${pick(random, STREETS)} Rd`,
    line_2: random() < 0.5 ? `Unit ${whole(random, 1, 40)}` : null,
    line_3: null,
    line_4: null,
    locality: pick(random, TOWNS),
    longitude: coordinate(random, -124, -120),
    postcode: String(whole(random, 97_000, 98_000)),
    region: 'OR',
  }
}

function generateContact(random: Random): Contact {
  const name = `${pick(random, FIRST_NAMES)} ${pick(random, LAST_NAMES)}`
  return {
    email: `${name.toLowerCase().replace(' ', '.')}@example.com`,
    fax: random() < 0.3 ? `503-555-01${whole(random, 10, 99)}` : null,
    id: BigInt(whole(random, 1_000, 99_999)),
    name,
    notify_on_acknowledged_request: random() < 0.2,
    notify_on_completed_request: random() < 0.7,
    notify_on_dispatched_request: random() < 0.3,
    notify_on_failed_request: random() < 0.8,
    notify_on_new_request: random() < 0.6,
    number: `503-555-01${whole(random, 10, 99)}`,
  }
}

/** Settings at a location that a write attaches the customer to; every optional field unset. */
export function bareLocation(locationId: bigint, stamp: string): CustomerLocation {
  return {
    account_number_1: null,
    account_number_2: null,
    created_on: stamp,
    is_active: true,
    is_commercial: true,
    last_updated_on: stamp,
    location_id: locationId,
    note: null,
    reference_number: null,
    renewal_date: null,
    sales_rep: null,
    sales_rep_id: null,
    suspension_id: null,
  }
}

function generateLocation(random: Random, locationId: number, active: boolean): CustomerLocation {
  const createdAt = pastMoment(random, 0, 900)
  const represented = random() < 0.7
  return {
    ...bareLocation(BigInt(locationId), isoMicroseconds(createdAt)),
    account_number_1: random() < 0.5 ? `A-${whole(random, 1_000, 9_999)}` : null,
    is_active: active,
    is_commercial: random() < 0.7,
    last_updated_on: isoMicroseconds(pastMoment(random, 900, 1_800)),
    note: random() < 0.7 ? pick(random, NOTES) : null,
    reference_number: random() < 0.3 ? `HP-${whole(random, 1_000, 9_999)}` : null,
    renewal_date: random() < 0.3 ? `202${whole(random, 7, 9)}-12-31T00:00:00` : null,
    sales_rep: represented ? `${pick(random, FIRST_NAMES)} ${pick(random, LAST_NAMES)}` : null,
    sales_rep_id: represented ? String(whole(random, 100, 999)) : null,
  }
}

/**
 * Three locations: an odd one, an even one, and an inactive one on two customers in three. Third
 * parties serve odd locations only, so customers whose id ends in 9 are hidden from them; ids that
 * end in 8 are active nowhere and hidden from `ClientCustomer` too.
 */
function generateLocations(random: Random, lastDigit: string): CustomerLocation[] {
  const nowhere = lastDigit === '8'
  const evenOnly = lastDigit === '9' ? 1 : 0
  return [
    generateLocation(random, 11 + 2 * whole(random, 0, 10) + evenOnly, !nowhere),
    generateLocation(random, 40 + 2 * whole(random, 0, 10), !nowhere),
    generateLocation(random, 70 + 2 * whole(random, 0, 10), !nowhere && random() < 0.33),
  ]
}

/**
 * The parent of a generated customer, by the last digit of its id: customers ending in 2 and 3 are
 * children of the one ending in 1 before them. Known without generating anything.
 */
export function generatedParentId(id: string): string | null {
  const lastDigit = id.at(-1)
  return lastDigit === '2' || lastDigit === '3' ? `${id.slice(0, -1)}1` : null
}

/** The customers that `generatedParentId` gives this parent. */
export function generatedChildIds(id: string): string[] {
  return id.at(-1) === '1' ? [`${id.slice(0, -1)}2`, `${id.slice(0, -1)}3`] : []
}

function generateAddresses(random: Random, lastDigit: string, child: boolean): Address[] {
  if (lastDigit === '7') {
    return [
      generateAddress(random, { billing: true, shipping: false }),
      generateAddress(random, { billing: false, shipping: true }),
    ]
  }
  // Children lack the billing address (2) or both (3), so that they show their parent's.
  const shipping = !child || lastDigit === '2'
  return [generateAddress(random, { billing: !child, shipping })]
}

/** What names a generated customer. */
export interface CustomerOrigin {
  readonly seed: number
  readonly tenant: string
  readonly id: string
  readonly parentId: string | null
}

/** A customer in the shape and size of the published sample; the same origin, the same customer. */
export function generateCustomer({ seed, tenant, id, parentId }: CustomerOrigin): Customer {
  const random = seededRandom(`${seed}/${tenant}/${id}`)
  const lastDigit = id.at(-1) ?? '0'
  return {
    tenant,
    id,
    createdOn: isoMicroseconds(pastMoment(random, 0, 900)),
    stampBase: pastMoment(random, 900, 1_800),
    version: 1,
    name: `${pick(random, PLACES)} ${pick(random, TRADES)} ${id}`,
    parentId,
    addresses: generateAddresses(random, lastDigit, parentId !== null),
    contacts: [generateContact(random)],
    locations: generateLocations(random, lastDigit),
    rendered: new Map(),
  }
}

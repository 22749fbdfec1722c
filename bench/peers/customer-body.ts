/**
 * The fixed answer: a made-up customer in the API's serialisation (sorted keys, ", " and ": "),
 * filled up to the length of the API's published sample.
 */
const customerBodyBytes = 1859

function serialise(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(serialise).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}: ${serialise(member)}`)
  return `{${members.join(', ')}}`
}

const address = {
  country: 'US',
  id: 9101,
  is_active: true,
  is_billing: true,
  is_physical: true,
  is_shipping: true,
  latitude: 44.051973,
  line_1: '88 Bench Street',
  line_2: null,
  line_3: null,
  line_4: null,
  locality: 'Ashford',
  longitude: -121.315308,
  postcode: '97701',
  region: 'OR',
}

const contact = {
  email: 'front.desk@example.com',
  fax: null,
  id: 6204,
  name: 'Kim Marsh',
  notify_on_acknowledged_request: false,
  notify_on_completed_request: true,
  notify_on_dispatched_request: true,
  notify_on_failed_request: true,
  notify_on_new_request: false,
  number: '541-555-0188',
}

function location(id: number, note: string) {
  return {
    created_on: '2021-05-11T09:12:44.120000',
    customer_id: 48213,
    is_active: true,
    is_commercial: id % 2 === 0,
    last_updated_on: '2023-02-17T14:03:09.551000',
    location_id: id,
    note,
    reference_number: null,
    renewal_date: null,
    sales_rep: null,
    sales_rep_id: null,
    suspension_id: null,
  }
}

function customer(note: string): string {
  return serialise({
    addresses: [address],
    contacts: [contact],
    created_on: '2021-05-11T09:12:43.870000',
    id: 48213,
    last_updated_on: '2023-02-17T14:03:09.551000',
    locations: [location(21, 'Ring at gate two.'), location(22, note), location(23, 'Call ahead.')],
    name: 'Cedar Row Recycling',
    parent_id: null,
  })
}

const filler = 'Leave the container beside the loading dock and photograph it from the street. '

function filledUp(): string {
  const missing = customerBodyBytes - customer('').length
  return customer(filler.repeat(10).slice(0, missing))
}

/** ASCII only, so characters are bytes. */
export const customerBody = filledUp()
export const addressesBody = serialise([address])

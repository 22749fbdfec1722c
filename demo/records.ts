import type { View } from './roles.ts'

// The three wire records are kept in their wire form (contract 6.2 to 6.4): nothing to map.

/** Contract 6.2. */
export type Address = {
  country: string | null
  id: bigint
  is_active: boolean
  is_billing: boolean
  is_physical: boolean
  is_shipping: boolean
  latitude: number
  line_1: string
  line_2: string | null
  line_3: string | null
  line_4: string | null
  locality: string
  longitude: number
  postcode: string
  region: string
}

/** Contract 6.3. */
export type Contact = {
  email: string
  fax: string | null
  id: bigint
  name: string
  notify_on_acknowledged_request: boolean
  notify_on_completed_request: boolean
  notify_on_dispatched_request: boolean
  notify_on_failed_request: boolean
  notify_on_new_request: boolean
  number: string
}

/** Contract 6.4 without `customer_id`, plus the two account numbers that only 6.5 shows. */
export type CustomerLocation = {
  account_number_1: string | null
  account_number_2: string | null
  created_on: string
  is_active: boolean
  is_commercial: boolean
  last_updated_on: string
  location_id: bigint
  note: string | null
  reference_number: string | null
  renewal_date: string | null
  sales_rep: string | null
  sales_rep_id: string | null
  suspension_id: bigint | null
}

/** A customer as the upstream keeps it. Changed only inside `CustomerStore.change`. */
export interface Customer {
  readonly tenant: string
  readonly id: string
  readonly createdOn: string
  /** Milliseconds; `last_updated_on` is this plus `version`, so each version has its own bytes. */
  readonly stampBase: number
  /** Starts at 1 and grows by one with each write that changes this customer's R1. */
  version: number
  name: string
  parentId: string | null
  addresses: Address[]
  contacts: Contact[]
  locations: CustomerLocation[]
  /** R1 bodies of the present version by view; `null` where the view does not see the customer. */
  readonly rendered: Map<View, Buffer | null>
}

/** `last_updated_on` of the customer's present version. */
export function lastUpdatedOn(customer: Customer): string {
  return isoMicroseconds(customer.stampBase + customer.version)
}

/** ISO 8601 with microseconds and no zone, as every timestamp of the API. */
export function isoMicroseconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, -1)}000`
}

import type { JsonObject } from './json.ts'
import { serialize } from './json.ts'
import type { Address, Contact, Customer, CustomerLocation } from './records.ts'
import { lastUpdatedOn } from './records.ts'
import type { View } from './roles.ts'

/** What a view leaves out, as data. None of this is published; it only has to differ (contract 3.2). */
interface ViewRules {
  /** Soft-deleted addresses and locations are left out. */
  readonly onlyActive: boolean
  /** Only odd location ids: the ones where third parties work in this invented world. */
  readonly onlyOddLocations: boolean
  /** Contacts keep e-mail and fax. */
  readonly contactDetails: boolean
  readonly notes: boolean
  /** A customer none of whose locations is shown is answered with 404. */
  readonly needsLocation: boolean
}

const RULES: Readonly<Record<View, ViewRules>> = {
  full: {
    onlyActive: false,
    onlyOddLocations: false,
    contactDetails: true,
    notes: true,
    needsLocation: false,
  },
  crm: {
    onlyActive: true,
    onlyOddLocations: false,
    contactDetails: true,
    notes: true,
    needsLocation: false,
  },
  driver: {
    onlyActive: true,
    onlyOddLocations: false,
    contactDetails: false,
    notes: false,
    needsLocation: false,
  },
  'third-party': {
    onlyActive: true,
    onlyOddLocations: true,
    contactDetails: true,
    notes: true,
    needsLocation: true,
  },
  'third-party-driver': {
    onlyActive: true,
    onlyOddLocations: true,
    contactDetails: false,
    notes: false,
    needsLocation: true,
  },
  client: {
    onlyActive: true,
    onlyOddLocations: false,
    contactDetails: true,
    notes: false,
    needsLocation: true,
  },
}

export function visibleAddresses(customer: Customer, view: View): Address[] {
  return customer.addresses.filter((address) => address.is_active || !RULES[view].onlyActive)
}

export function visibleContacts(customer: Customer, view: View): Contact[] {
  if (RULES[view].contactDetails) return customer.contacts
  return customer.contacts.map((contact) => ({ ...contact, email: '', fax: null }))
}

export function visibleLocations(customer: Customer, view: View): CustomerLocation[] {
  const rules = RULES[view]
  return customer.locations
    .filter((location) => location.is_active || !rules.onlyActive)
    .filter((location) => !rules.onlyOddLocations || location.location_id % 2n === 1n)
    .map((location) => (rules.notes ? location : { ...location, note: null }))
}

/** Whether the view is shown this customer at all; otherwise 404, as if there were none. */
export function isVisible(customer: Customer, view: View): boolean {
  return !RULES[view].needsLocation || visibleLocations(customer, view).length > 0
}

/**
 * The parent's addresses that a child shows because it has no active billing or shipping address
 * of its own. `line_2` names the parent, so that renaming the parent changes the child too: each
 * of W1 to W4 on a parent is observable in its children (contract 8.3). One level only.
 */
export function inheritedAddresses(customer: Customer, parent: Customer | undefined): Address[] {
  if (parent === undefined) return []
  const own = customer.addresses.filter((address) => address.is_active)
  const billing = !own.some((address) => address.is_billing)
  const shipping = !own.some((address) => address.is_shipping)
  return parent.addresses
    .filter((address) => address.is_active)
    .filter((address) => (billing && address.is_billing) || (shipping && address.is_shipping))
    .map((address) => ({
      ...address,
      is_billing: billing && address.is_billing,
      is_shipping: shipping && address.is_shipping,
      line_2: `c/o ${parent.name}`,
    }))
}

/** Contract 6.1, as the view sees it. */
export function customerJson(
  customer: Customer,
  parent: Customer | undefined,
  view: View,
): JsonObject {
  const id = BigInt(customer.id)
  return {
    addresses: [...visibleAddresses(customer, view), ...inheritedAddresses(customer, parent)],
    contacts: visibleContacts(customer, view),
    created_on: customer.createdOn,
    id,
    last_updated_on: lastUpdatedOn(customer),
    locations: visibleLocations(customer, view).map(
      ({ account_number_1: _one, account_number_2: _two, ...settings }) => ({
        ...settings,
        customer_id: id,
      }),
    ),
    name: customer.name,
    parent_id: customer.parentId === null ? null : BigInt(customer.parentId),
  }
}

/** R1's body for the view, kept until the next version; `null` where the view sees nothing. */
export function customerBody(
  customer: Customer,
  parent: () => Customer | undefined,
  view: View,
): Buffer | null {
  const known = customer.rendered.get(view)
  if (known !== undefined) return known
  const body = isVisible(customer, view)
    ? Buffer.from(serialize(customerJson(customer, parent(), view)))
    : null
  customer.rendered.set(view, body)
  return body
}

// `customer_id` was renamed in this release (contract 9). Versions compare as text: all are dates.
const RENAMED_IN = '2021/04/07'

/** Contract 6.5: a customer at one location, in the shape of the API version. */
export function profileJson(
  customer: Customer,
  location: CustomerLocation,
  shown: { parent: Customer | undefined; view: View; apiVersion: string },
): JsonObject {
  const { parent, view, apiVersion } = shown
  return {
    ...location,
    addresses: [...visibleAddresses(customer, view), ...inheritedAddresses(customer, parent)],
    contacts: visibleContacts(customer, view),
    [apiVersion < RENAMED_IN ? 'customer_id' : 'id']: BigInt(customer.id),
    name: customer.name,
    parent_id: customer.parentId === null ? null : BigInt(customer.parentId),
  }
}

import { bareLocation } from './data.ts'
import type { Checked, Model } from './fields.ts'
import {
  CREATE_ADDRESS,
  CREATE_CONTACT,
  CREATE_CUSTOMER,
  CREATE_LOCATION,
  check,
  rejected,
  UPDATE_ADDRESS,
  UPDATE_CONTACT,
  UPDATE_CUSTOMER,
  UPDATE_LOCATION,
} from './fields.ts'
import type { Json, JsonObject } from './json.ts'
import type { Operation, OperationContext } from './operation.ts'
import { missing, onCustomer } from './operation.ts'
import { profile } from './reads.ts'
import type { Address, Contact, Customer, CustomerLocation } from './records.ts'
import { isoMicroseconds, lastUpdatedOn } from './records.ts'
import type { Reply } from './reply.ts'
import { done, refuse, reply } from './reply.ts'
import type { CustomerStore } from './store.ts'
import { customerBody } from './views.ts'

// Checked values carry the very fields and types of their model, which are those of the records;
// hence the assertions below from `JsonObject` to a part of a record.

/** W1. */
export const updateCustomer = onCustomer((customer, { store, view, tenant, body }) => {
  const checked = check(UPDATE_CUSTOMER, body)
  if ('status' in checked) return checked
  const { name, parent_id: parent } = checked.values
  if (typeof parent === 'bigint' && !isParent(store, customer, parent.toString())) {
    return rejected('UpdateCustomerModel.parent_id', `No such customer in tenant ${tenant}.`)
  }
  store.change(customer, () => {
    if (typeof name === 'string') customer.name = name
    if (parent !== undefined) customer.parentId = parent === null ? null : String(parent)
  })
  const shown = customerBody(customer, () => store.parentOf(customer), view)
  return shown === null ? missing('Customer') : reply(shown)
})

function isParent(store: CustomerStore, customer: Customer, parentId: string): boolean {
  return parentId !== customer.id && store.find(customer.tenant, parentId) !== undefined
}

/** A customer has one billing and one shipping address: a newly flagged one takes the flag over. */
function moveFlags(customer: Customer, to: Address): void {
  for (const other of customer.addresses) {
    if (other === to) continue
    if (to.is_billing) other.is_billing = false
    if (to.is_shipping) other.is_shipping = false
  }
}

function newAddress(id: bigint, values: JsonObject): Address {
  return {
    country: null,
    id,
    is_active: true,
    is_billing: false,
    is_physical: true,
    is_shipping: false,
    latitude: 0,
    line_1: '',
    line_2: null,
    line_3: null,
    line_4: null,
    locality: '',
    longitude: 0,
    postcode: '',
    region: '',
    ...(values as Partial<Address>),
  }
}

function newContact(id: bigint, values: JsonObject): Contact {
  return {
    email: '',
    fax: null,
    id,
    name: 'Unnamed',
    notify_on_acknowledged_request: false,
    notify_on_completed_request: false,
    notify_on_dispatched_request: false,
    notify_on_failed_request: false,
    notify_on_new_request: false,
    number: '0',
    ...(values as Partial<Contact>),
  }
}

/** W2. */
export const addAddress = onCustomer((customer, { store, body }) => {
  const checked = check(CREATE_ADDRESS, body)
  if ('status' in checked) return checked
  const address = newAddress(store.nextRecordId(), checked.values)
  store.change(customer, () => {
    customer.addresses.push(address)
    moveFlags(customer, address)
  })
  return done(address)
})

function findAddress(customer: Customer, context: OperationContext): Address | undefined {
  const id = BigInt(context.parameters['customer_address_id'] ?? 0)
  return customer.addresses.find((address) => address.id === id)
}

/** W3. */
export const updateAddress = onCustomer((customer, context) => {
  const address = findAddress(customer, context)
  if (address === undefined) return missing('CustomerAddress')
  const checked = check(UPDATE_ADDRESS, context.body)
  if ('status' in checked) return checked
  context.store.change(customer, () => {
    Object.assign(address, checked.values)
    moveFlags(customer, address)
  })
  return done(address)
})

/** W4. A soft delete: the record stays, flags and all, and only some views still show it. */
export const deactivateAddress = onCustomer((customer, context) => {
  const address = findAddress(customer, context)
  if (address === undefined) return missing('CustomerAddress')
  context.store.change(customer, () => {
    address.is_active = false
  })
  return done(address)
})

/** W5. */
export const addContact = onCustomer((customer, { store, body }) => {
  const checked = check(CREATE_CONTACT, body)
  if ('status' in checked) return checked
  const contact = newContact(store.nextRecordId(), checked.values)
  store.change(customer, () => customer.contacts.push(contact))
  return done(contact)
})

/** W6. */
export const updateContact = onCustomer((customer, { store, parameters, body }) => {
  const id = BigInt(parameters['customer_contact_id'] ?? 0)
  const contact = customer.contacts.find((candidate) => candidate.id === id)
  if (contact === undefined) return missing('CustomerContact')
  const checked = check(UPDATE_CONTACT, body)
  if ('status' in checked) return checked
  store.change(customer, () => Object.assign(contact, checked.values))
  return done(contact)
})

function findLocation(customer: Customer, context: OperationContext): CustomerLocation | undefined {
  const id = BigInt(context.parameters['customer_location_id'] ?? 0)
  return customer.locations.find((location) => location.location_id === id)
}

/** W7. A customer that was ever at the location is brought back with W8, not attached twice. */
export const attachLocation = onCustomer((customer, context) => {
  if (findLocation(customer, context) !== undefined) {
    return conflict('CreateCustomerLocationModel.location_id', 'The customer is there already.')
  }
  const checked = check(CREATE_LOCATION, context.body ?? {})
  if ('status' in checked) return checked
  const id = BigInt(context.parameters['customer_location_id'] ?? 0)
  const location = {
    ...bareLocation(id, lastUpdatedOn(customer)),
    ...(checked.values as Partial<CustomerLocation>),
  }
  context.store.change(customer, () => customer.locations.push(location))
  return done(profile(context, customer, location))
})

function conflict(field: string, detail: string): Reply {
  return refuse({ status: 409, field, detail })
}

/** W8. */
export const updateLocation = onCustomer((customer, context) => {
  const location = findLocation(customer, context)
  if (location === undefined) return missing('CustomerLocation')
  const checked = check(UPDATE_LOCATION, context.body)
  if ('status' in checked) return checked
  context.store.change(customer, () => {
    Object.assign(location, checked.values, { last_updated_on: lastUpdatedOn(customer) })
  })
  return done(profile(context, customer, location))
})

/** W9. The location's `last_updated_on` keeps its old value, as in the published sample (fact 9). */
export const deactivateLocation = onCustomer((customer, context) => {
  const location = findLocation(customer, context)
  if (location === undefined) return missing('CustomerLocation')
  context.store.change(customer, () => {
    location.is_active = false
  })
  return done(profile(context, customer, location))
})

/** Checks each element of a list in a body; the first fault is the answer. */
function checkEach(model: Model, list: Json | undefined): JsonObject[] | Reply {
  const values: JsonObject[] = []
  for (const element of Array.isArray(list) ? list : []) {
    const checked: Checked | Reply = check(model, element)
    if ('status' in checked) return checked
    values.push(checked.values)
  }
  return values
}

/** W10. */
export const createCustomer: Operation = (context) => {
  const { store, tenant } = context
  const checked = check(CREATE_CUSTOMER, context.body)
  if ('status' in checked) return checked
  const {
    name,
    parent_id,
    addresses: _addresses,
    contacts: _contacts,
    ...settings
  } = checked.values
  const addresses = checkEach(CREATE_ADDRESS, checked.values['addresses'])
  if ('status' in addresses) return addresses
  const contacts = checkEach(CREATE_CONTACT, checked.values['contacts'])
  if ('status' in contacts) return contacts
  const parentId = typeof parent_id === 'bigint' ? parent_id.toString() : null
  const fault = creationFault(context, { name: String(name), parentId, addresses })
  if (fault !== undefined) return fault
  // Long ago, like all generated data: the module reads no clock.
  const stampBase = Date.UTC(2024, 0, 1)
  const locationId = BigInt(context.parameters['location_id'] ?? 0)
  const location = {
    ...bareLocation(locationId, isoMicroseconds(stampBase)),
    ...(settings as Partial<CustomerLocation>),
  }
  const customer = store.insert({
    tenant,
    id: store.nextCustomerId(tenant),
    createdOn: isoMicroseconds(stampBase),
    stampBase,
    version: 1,
    name: String(name),
    parentId,
    addresses: addresses.map((values) => newAddress(store.nextRecordId(), values)),
    contacts: contacts.map((values) => newContact(store.nextRecordId(), values)),
    locations: [location],
    rendered: new Map(),
  })
  return done(profile(context, customer, location))
}

interface Creation {
  readonly name: string
  readonly parentId: string | null
  readonly addresses: readonly JsonObject[]
}

function creationFault(context: OperationContext, wanted: Creation): Reply | undefined {
  const { store, tenant } = context
  const { name, parentId, addresses } = wanted
  const flagged = (flag: string) => addresses.some((address) => address[flag] === true)
  if (!flagged('is_billing') || !flagged('is_shipping')) {
    return rejected('CreateCustomerModel.addresses', 'A billing and a shipping address are needed.')
  }
  if (parentId !== null && store.find(tenant, parentId) === undefined) {
    return rejected('CreateCustomerModel.parent_id', `No such customer in tenant ${tenant}.`)
  }
  const lines = new Set(addresses.map((address) => address['line_1']))
  const twin = store
    .written(tenant)
    .find((one) => one.name === name && one.addresses.some((own) => lines.has(own.line_1)))
  return twin === undefined
    ? undefined
    : conflict('CreateCustomerModel.name', 'A customer of this name and address exists.')
}

import { readBoolean } from './fields.ts'
import type { Json } from './json.ts'
import type { Operation, OperationContext, Page } from './operation.ts'
import { badParameter, missing, onCustomer, paged, pageOf, readPage } from './operation.ts'
import type { Customer, CustomerLocation } from './records.ts'
import { lastUpdatedOn } from './records.ts'
import type { Reply } from './reply.ts'
import { done, reply } from './reply.ts'
import { canonicalId } from './routes.ts'
import {
  customerBody,
  customerJson,
  isVisible,
  profileJson,
  visibleAddresses,
  visibleContacts,
  visibleLocations,
} from './views.ts'

/** R1. The only read on the measured path: its body is rendered once per version and view. */
export const readCustomer: Operation = ({ store, tenant, view, parameters }) => {
  const customer = store.find(tenant, parameters['customer_id'] ?? '')
  if (customer === undefined) return missing('Customer')
  const body = customerBody(customer, () => store.parentOf(customer), view)
  return body === null ? missing('Customer') : reply(body)
}

type Matcher = (customer: Customer) => boolean

/** One filter parameter of R2 and R9: what a text value asks for, or `undefined` if it is invalid. */
type Filter = (text: string, context: OperationContext) => Matcher | undefined

function byId(matches: (customer: Customer, id: string) => boolean): Filter {
  return (text) => {
    const id = canonicalId(text)
    return id === undefined ? undefined : (customer) => matches(customer, id)
  }
}

function byFlag(flag: (customer: Customer, context: OperationContext) => boolean): Filter {
  return (text, context) => {
    const wanted = readBoolean(text)
    return wanted === undefined ? undefined : (customer) => flag(customer, context) === wanted
  }
}

const FILTERS: Readonly<Record<string, Filter>> = {
  parent_id: byId((customer, id) => customer.parentId === id),
  location_id: byId((customer, id) =>
    customer.locations.some((location) => location.location_id.toString() === id),
  ),
  active: byFlag((customer) => customer.locations.some((location) => location.is_active)),
  is_parent: byFlag((customer, { store }) => store.children(customer).length > 0),
  name: (text) => (customer) => customer.name.toLowerCase().includes(text.toLowerCase()),
  created_on_gte: (text) => (customer) => customer.createdOn >= text,
  last_updated_gte: (text) => (customer) => lastUpdatedOn(customer) >= text,
}

/** The filters that the query names, or the 400 one of them deserves. */
function readFilters(context: OperationContext, query: URLSearchParams): Matcher[] | Reply {
  const filters: Matcher[] = []
  for (const [name, filter] of Object.entries(FILTERS)) {
    const text = query.get(name)
    if (text === null) continue
    const matcher = filter(text, context)
    if (matcher === undefined) return badParameter(name)
    filters.push(matcher)
  }
  return filters
}

/** R2. Without filters only the page itself is touched; with one the whole tenant is read. */
export const listCustomers: Operation = (context) => {
  const { store, view } = context
  const query = new URLSearchParams(context.query)
  const page = readPage(query)
  if ('status' in page) return page
  const filters = readFilters(context, query)
  if ('status' in filters) return filters
  const show = (customer: Customer): Json => customerJson(customer, store.parentOf(customer), view)
  if (filters.length === 0 && view === 'full') return wholeListPage(context, page, show)
  const found = [...matching(context, filters)]
  const start = (page.index - 1) * page.limit
  return paged(page, found.length, found.slice(start, start + page.limit).map(show))
}

function wholeListPage(
  { store, tenant }: OperationContext,
  page: Page,
  show: (customer: Customer) => Json,
): Reply {
  const results: Json[] = []
  for (const id of store.ids(tenant, (page.index - 1) * page.limit)) {
    if (results.length === page.limit) break
    const customer = store.find(tenant, id)
    if (customer !== undefined) results.push(show(customer))
  }
  return paged(page, store.count(tenant), results)
}

function* matching(
  { store, tenant, view }: OperationContext,
  filters: readonly Matcher[],
): Generator<Customer> {
  for (const id of store.ids(tenant)) {
    const customer = store.find(tenant, id)
    if (customer === undefined || !isVisible(customer, view)) continue
    if (filters.every((accepts) => accepts(customer))) yield customer
  }
}

/** R3. The customer's own addresses; what it inherits belongs to its parent. */
export const listAddresses = onCustomer((customer, context) =>
  pageOf(context, visibleAddresses(customer, context.view)),
)

/** R4. */
export const readAddress = onCustomer((customer, { view, parameters }) => {
  const id = BigInt(parameters['customer_address_id'] ?? 0)
  const address = visibleAddresses(customer, view).find((candidate) => candidate.id === id)
  return address === undefined ? missing('CustomerAddress') : done(address)
})

/** R5. */
export const listContacts = onCustomer((customer, context) =>
  pageOf(context, visibleContacts(customer, context.view)),
)

/** R6. */
export const readContact = onCustomer((customer, { view, parameters }) => {
  const id = BigInt(parameters['customer_contact_id'] ?? 0)
  const contact = visibleContacts(customer, view).find((candidate) => candidate.id === id)
  return contact === undefined ? missing('CustomerContact') : done(contact)
})

/** A customer at a location in the caller's view and version: R7 to R10, W7 to W10. */
export function profile(
  context: OperationContext,
  customer: Customer,
  location: CustomerLocation,
): Json {
  const { store, view, apiVersion } = context
  return profileJson(customer, location, { parent: store.parentOf(customer), view, apiVersion })
}

/** R7. */
export const listCustomerLocations = onCustomer((customer, context) =>
  pageOf(
    context,
    visibleLocations(customer, context.view).map((location) =>
      profile(context, customer, location),
    ),
  ),
)

/** R8 and R10: one record under two paths. */
export const readCustomerLocation = onCustomer((customer, context) => {
  const { customer_location_id, location_id } = context.parameters
  const id = BigInt(customer_location_id ?? location_id ?? 0)
  const location = visibleLocations(customer, context.view).find(
    (candidate) => candidate.location_id === id,
  )
  return location === undefined
    ? missing('CustomerLocation')
    : done(profile(context, customer, location))
})

/** R9. Reads the whole tenant: meant for the small tenants of tests. */
export const listLocationCustomers: Operation = (context) => {
  const id = BigInt(context.parameters['location_id'] ?? 0)
  const query = new URLSearchParams(context.query)
  query.delete('location_id')
  const filters = readFilters(context, query)
  if ('status' in filters) return filters
  const found: Json[] = []
  for (const customer of matching(context, filters)) {
    for (const location of visibleLocations(customer, context.view)) {
      if (location.location_id === id) found.push(profile(context, customer, location))
    }
  }
  return pageOf(context, found)
}

import type { Account, Accounts, ApiVersion } from './accounts.ts'
import { API_VERSIONS, isApiVersion } from './accounts.ts'
import type { Json, JsonObject } from './json.ts'
import { parse } from './json.ts'
import type { Operation } from './operation.ts'
import { pageOf } from './operation.ts'
import * as reads from './reads.ts'
import type { Reply } from './reply.ts'
import { refuse } from './reply.ts'
import type { Role } from './roles.ts'
import { mayWrite, viewOf } from './roles.ts'
import type { RouteMatch, Template } from './routes.ts'
import { canonicalId, matchRoute } from './routes.ts'
import type { CustomerStore } from './store.ts'
import * as writes from './writes.ts'

/** The parts of a request that the answer depends on; header values as received. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly authorization?: string | undefined
  readonly tenantId?: string | undefined
  readonly apiVersion?: string | undefined
  readonly body?: Buffer | undefined
}

/** A reply with what its headers need. The same request and state give the same answer. */
export interface Answer extends Reply {
  /** Absent on unknown paths. */
  readonly allow: string | undefined
  readonly apiVersion: ApiVersion
}

/** What the API answers from. */
export interface World {
  readonly store: CustomerStore
  readonly accounts: Accounts
  /** `false` computes an answer without letting it change the client's sticky version. */
  readonly pins: boolean
}

const OPERATIONS: Readonly<Partial<Record<`${string} ${Template}`, Operation>>> = {
  'GET /customers': reads.listCustomers,
  'GET /customers/{customer_id}': reads.readCustomer,
  'PATCH /customers/{customer_id}': writes.updateCustomer,
  'GET /customers/{customer_id}/addresses': reads.listAddresses,
  'POST /customers/{customer_id}/addresses': writes.addAddress,
  'GET /customers/{customer_id}/addresses/{customer_address_id}': reads.readAddress,
  'PATCH /customers/{customer_id}/addresses/{customer_address_id}': writes.updateAddress,
  'DELETE /customers/{customer_id}/addresses/{customer_address_id}': writes.deactivateAddress,
  'GET /customers/{customer_id}/contacts': reads.listContacts,
  'POST /customers/{customer_id}/contacts': writes.addContact,
  'GET /customers/{customer_id}/contacts/{customer_contact_id}': reads.readContact,
  'PATCH /customers/{customer_id}/contacts/{customer_contact_id}': writes.updateContact,
  'GET /customers/{customer_id}/locations': reads.listCustomerLocations,
  'GET /customers/{customer_id}/locations/{customer_location_id}': reads.readCustomerLocation,
  'POST /customers/{customer_id}/locations/{customer_location_id}': writes.attachLocation,
  'PATCH /customers/{customer_id}/locations/{customer_location_id}': writes.updateLocation,
  'DELETE /customers/{customer_id}/locations/{customer_location_id}': writes.deactivateLocation,
  'GET /locations/{location_id}/customers': reads.listLocationCustomers,
  'POST /locations/{location_id}/customers': writes.createCustomer,
  'GET /locations/{location_id}/customers/{customer_id}': reads.readCustomerLocation,
}

/** Answers one request: path, method, token, version, tenant, role, then the operation itself. */
export function answer(world: World, request: ApiRequest): Answer {
  const match = matchRoute(request.path)
  const unknownClient = askedVersion(request) ?? API_VERSIONS[0]
  const apart = (reply: Reply) => finish(reply, match, unknownClient)
  if (match === undefined) {
    return apart(refuse({ status: 404, field: 'Request.path', detail: 'Not found.' }))
  }
  if (request.method === 'OPTIONS') {
    return apart({ status: 204, reason: 'No Content', body: Buffer.alloc(0) })
  }
  if (!match.route.allow.split(',').includes(request.method)) {
    return apart(refuse({ status: 405, field: 'Request.method', detail: 'Not allowed here.' }))
  }
  const account = world.accounts.authenticate(request.authorization)
  if (account === undefined) {
    const detail = 'The token is missing, unknown or revoked.'
    return apart(refuse({ status: 401, field: 'Request.authorization', detail }))
  }
  return answerAccount(world, request, { match, account })
}

interface Caller {
  readonly match: RouteMatch
  readonly account: Account
}

function answerAccount(world: World, request: ApiRequest, { match, account }: Caller): Answer {
  const asked = askedVersion(request)
  const apiVersion = asked ?? world.accounts.pinned(account.clientId)
  if (asked !== undefined && world.pins) world.accounts.pin(account.clientId, asked)
  if (request.apiVersion !== undefined && asked === undefined) {
    const detail = 'This version does not exist.'
    const fault = refuse({ status: 400, field: 'Request.x-api-version', detail })
    return finish(fault, match, apiVersion)
  }
  const assigned = assignment(account, request.tenantId)
  if (match.route.template === '/tenants') {
    return finish(listTenants(account, request, assigned), match, apiVersion)
  }
  if ('status' in assigned) return finish(assigned, match, apiVersion)
  return serve(world, request, { match, apiVersion, ...assigned })
}

function askedVersion({ apiVersion }: ApiRequest): ApiVersion | undefined {
  return apiVersion !== undefined && isApiVersion(apiVersion) ? apiVersion : undefined
}

interface Assignment {
  readonly tenant: string
  readonly role: Role
}

/** The caller's role in the tenant of the header, 400 without an integer, 403 without a role. */
function assignment(account: Account, tenantId: string | undefined): Assignment | Reply {
  const tenant = canonicalId(tenantId ?? '')
  if (tenant === undefined) {
    const detail = tenantId === undefined ? 'The header is required.' : 'An integer is expected.'
    return refuse({ status: 400, field: 'Request.x-tenant-id', detail })
  }
  const role = account.roles.get(tenant)
  if (role === undefined) {
    const detail = 'The tenant is not assigned to the user.'
    return refuse({ status: 403, field: 'Request.x-tenant-id', detail })
  }
  return { tenant, role }
}

/** What is known of a request once its caller is known. */
export interface Assigned extends Assignment {
  readonly match: RouteMatch
  readonly apiVersion: ApiVersion
}

/** The operation for a caller whose tenant and role are settled. */
export function serve(world: World, request: ApiRequest, assigned: Assigned): Answer {
  const { match, apiVersion, tenant, role } = assigned
  const operation = OPERATIONS[`${request.method} ${match.route.template}`]
  const view = viewOf(role)
  if (operation === undefined || view === undefined || !isOpen(request.method, role)) {
    const detail = `The role ${role} is not authorised for this operation.`
    return finish(refuse({ status: 403, field: 'Request.role', detail }), match, apiVersion)
  }
  const body = readBody(request)
  if (body === NOT_JSON) {
    const detail = 'The body is not JSON.'
    return finish(refuse({ status: 400, field: 'Request.body', detail }), match, apiVersion)
  }
  const { parameters } = match
  const { store } = world
  const reply = operation({
    store,
    tenant,
    view,
    apiVersion,
    parameters,
    query: request.query,
    body,
  })
  return finish(reply, match, apiVersion)
}

function isOpen(method: string, role: Role): boolean {
  return method === 'GET' || mayWrite(role)
}

const NOT_JSON = Symbol('not JSON')

function readBody({ method, body }: ApiRequest): Json | undefined | typeof NOT_JSON {
  if (method === 'GET' || body === undefined || body.length === 0) return undefined
  return parse(body.toString()) ?? NOT_JSON
}

function finish(reply: Reply, match: RouteMatch | undefined, apiVersion: ApiVersion): Answer {
  const { status, reason, body } = reply
  return { status, reason, body, allow: match?.route.allow, apiVersion }
}

/**
 * `GET /tenants` needs a token but no tenant. A tenant that is named must be assigned all the
 * same, so the path can be used to ask whether a token is still good in a tenant.
 */
function listTenants(account: Account, request: ApiRequest, named: Assignment | Reply): Reply {
  if (request.tenantId !== undefined && 'status' in named) return named
  return pageOf(request, [...account.roles.keys()].map(tenantJson))
}

function tenantJson(tenant: string): JsonObject {
  return {
    address: '1 Example Plaza',
    city: 'Milbrook',
    code: `T${tenant}`,
    created_on: '2019-01-02T09:00:00.000000',
    email: `tenant-${tenant}@example.com`,
    id: BigInt(tenant),
    is_active: true,
    name: `Tenant ${tenant}`,
    phone: '503-555-0100',
    state: 'OR',
    truck_limit: 50n,
    zip: '97299',
  }
}

/** The headers of an answer that do not belong to one exchange, in the order of the sample. */
export function headersOf({ allow, apiVersion, body, status }: Answer): string[] {
  const headers =
    allow === undefined
      ? []
      : [
          'Access-Control-Allow-Headers',
          'Authorization, Accept, X-TENANT-ID, Content-Type',
          'Access-Control-Allow-Methods',
          allow,
          'Access-Control-Allow-Origin',
          '*',
          'Allow',
          allow,
        ]
  if (status !== 204) {
    headers.push('Content-Length', String(body.length), 'Content-Type', 'application/json')
  }
  headers.push('X-API-VERSION', apiVersion)
  return headers
}

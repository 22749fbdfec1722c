import type { Account, ApiVersion, NewToken } from './accounts.ts'
import { Accounts } from './accounts.ts'
import type { Answer, ApiRequest, World } from './api.ts'
import { answer, headersOf, serve } from './api.ts'
import type { Role } from './roles.ts'
import { isRole } from './roles.ts'
import { matchRoute } from './routes.ts'
import type { StoreOptions, VersionChange } from './store.ts'
import { CustomerStore } from './store.ts'

/** What the upstream would send, without the headers of one exchange (`Date`, `X-REQUEST-ID`). */
export interface Rendered {
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A write that reaches the upstream by another way than HTTP. */
export interface DirectWrite {
  readonly tenant: string
  readonly method: 'PATCH' | 'POST' | 'DELETE'
  readonly path: string
  /** An object, or JSON text where ids need more than 53 bits. */
  readonly body?: object | string
  /** Version of the answer's shape; the earliest by default. */
  readonly apiVersion?: ApiVersion
}

/** The upstream's data and users, for tests to set up, change behind the proxy's back and ask. */
export class UpstreamState {
  readonly #store: CustomerStore
  readonly #accounts = new Accounts()
  readonly #live: World
  readonly #asking: World

  constructor(options: StoreOptions) {
    this.#store = new CustomerStore(options)
    this.#live = { store: this.#store, accounts: this.#accounts, pins: true }
    this.#asking = { ...this.#live, pins: false }
  }

  /** Answers a request as the server does: an explicit version becomes the client's pin. */
  answer(request: ApiRequest): Answer {
    return answer(this.#live, request)
  }

  /** What R1 would answer to a token, or to any user of a role, right now; it changes nothing. */
  render(tenant: string, customer: string, who: string, apiVersion?: string): Rendered {
    const path = `/customers/${customer}`
    const request: ApiRequest = {
      method: 'GET',
      path,
      query: '',
      authorization: `Bearer ${who}`,
      tenantId: tenant,
      apiVersion,
    }
    const match = matchRoute(path)
    if (!isRole(who) || match === undefined) return rendered(answer(this.#asking, request))
    const version = (apiVersion ?? this.#accounts.pinned(undefined)) as ApiVersion
    const assigned = { match, apiVersion: version, tenant, role: who }
    return rendered(serve(this.#asking, request, assigned))
  }

  /** Carries out one of W1 to W10 as a Dispatcher, not through HTTP and so not through a proxy. */
  write({ tenant, method, path, body, apiVersion }: DirectWrite): Rendered {
    const match = matchRoute(path)
    if (match === undefined) throw new Error(`no such path: ${path}`)
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const request = { method, path, query: '', body: Buffer.from(text ?? '') }
    const version = apiVersion ?? this.#accounts.pinned(undefined)
    return rendered(
      serve(this.#live, request, { match, apiVersion: version, tenant, role: 'Dispatcher' }),
    )
  }

  /** The version register of a customer: 1 at first, one more with each write that changes R1. */
  version(tenant: string, customer: string): number | undefined {
    return this.#store.find(tenant, customer)?.version
  }

  /** The version that an R1 body shows (in `last_updated_on`), whatever view it is of. */
  versionOf(tenant: string, customer: string, body: Uint8Array | string): number | undefined {
    const record = this.#store.find(tenant, customer)
    const text = typeof body === 'string' ? body : Buffer.from(body).toString()
    // The customer's own stamp is the one that stands between its id and its locations.
    const stamp = /"id": \d+, "last_updated_on": "([^"]+)000", "locations"/.exec(text)?.[1]
    if (record === undefined || stamp === undefined) return undefined
    return Date.parse(`${stamp}Z`) - record.stampBase
  }

  /** Calls the listener with each new version of any customer, before the write is answered. */
  onChange(listener: (change: VersionChange) => void): void {
    this.#store.onChange(listener)
  }

  /** Makes a customer with any id up to 2^63-1 (the generated ones are 1 to customersPerTenant). */
  addCustomer(tenant: string, customer: string): void {
    this.#store.add(tenant, customer)
  }

  /** Adds a token, or replaces it with all its roles. */
  addToken(token: NewToken): void {
    this.#accounts.add(token)
  }

  /** Changes a token's role in a tenant; `undefined` takes the tenant away from it. */
  setRole(token: string, tenant: string, role: Role | undefined): void {
    const account = this.#accounts.get(token)
    if (account === undefined) throw new Error('no such token')
    if (role === undefined) account.roles.delete(tenant)
    else account.roles.set(tenant, role)
  }

  /** From now on the token gets 401. */
  revoke(token: string): void {
    const account = this.#accounts.get(token)
    if (account !== undefined) account.revoked = true
  }

  listTokens(): Account[] {
    return this.#accounts.list()
  }

  /** The version that a call of this OAuth client without the header gets. */
  pinnedVersion(clientId: string): ApiVersion {
    return this.#accounts.pinned(clientId)
  }
}

function rendered(given: Answer): Rendered {
  const flat = headersOf(given)
  const headers: Record<string, string> = {}
  for (let index = 0; index < flat.length; index += 2) {
    headers[flat[index] ?? ''] = flat[index + 1] ?? ''
  }
  return { status: given.status, reason: given.reason, headers, body: given.body }
}

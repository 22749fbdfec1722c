/**
 * 2. Route: what is to be done with a request, whatever its id and whenever it comes. The plan is kept with
 * the head (`RequestHead.notes`), so that clients who say the same again need not be judged again.
 */
import type { Credential, Credentials } from '../auth/credentials.ts'
import type { VersionPins } from '../auth/version-pins.ts'
import { requestDirectives } from '../cache/cache-control.ts'
import { type Outcome, outcome, TENANT_OFF } from '../cache/outcome.ts'
import { type ReadRequest, readRequest } from '../cache/request.ts'
import {
  isSafeMethod,
  matchRead,
  matchWrite,
  type RouteMatch,
  type WriteMatch,
} from '../contract/routes.ts'
import { canNotMatch } from './conditions.ts'
import { type Preflight, preflightOf } from './preflight.ts'
import type { RequestHead } from './validate.ts'

export type Plan =
  | {
      readonly kind: 'refuse'
      readonly code: 'invalid_parameter' | 'not_found' | 'precondition_failed'
    }
  /** It may not be forwarded, and asks only what there is: `OPTIONS` with `Max-Forwards: 0`. */
  | { readonly kind: 'answer-here' }
  | { readonly kind: 'read'; readonly request: ReadRequest }
  | PassPlan

export interface PassPlan {
  readonly kind: 'pass'
  readonly outcome: Outcome
  /** Null only on a CORS preflight. */
  readonly credential: Credential | null
  /** Below a cached resource: what the write makes stale. */
  readonly write: WriteMatch | null
  /** On a cached route, skipping the cache. */
  readonly read: RouteMatch | null
  /** The target is a resource whose reads are cached, whatever is done with it. */
  readonly isCached: boolean
  /** Null: it is none whose answer could be remembered. */
  readonly preflight: Preflight | null
  /** Name of the cached route, or id of the write's row; for log and trace. */
  readonly route: string | null
}

/** A cached route, but for a parameter that is no canonical id. */
const REFUSE: Plan = { kind: 'refuse', code: 'invalid_parameter' }
const ANSWER_HERE: Plan = { kind: 'answer-here' }
/** The admin API is another listener's; a call that was sent here by mistake, or to try, goes no further. */
const HIDE: Plan = { kind: 'refuse', code: 'not_found' }
const ADMIN = /^\/admin(?:\/|$)/i
/** Sent on without its condition it would do what its sender did not ask for; with it, what nobody can say. */
const UNMATCHED: Plan = { kind: 'refuse', code: 'precondition_failed' }
const BYPASS_QUERY = outcome('bypass', { forward: 'bypass', detail: 'query' })
const PASS_READ = outcome('pass-through', { forward: 'bypass' })
const PASS_WRITE = outcome('pass-through', { forward: 'method' })

export class Planner {
  readonly #credentials: Credentials
  readonly #pins: VersionPins

  constructor(credentials: Credentials, pins: VersionPins) {
    this.#credentials = credentials
    this.#pins = pins
  }

  /** Made once for all heads that differ in nothing but their request id. */
  planFor(head: RequestHead): Plan {
    head.notes.plan ??= this.#make(head)
    return head.notes.plan
  }

  /** A read that would be served, did the tenant's cache not happen to be off. */
  planPast(head: RequestHead, { view, route }: ReadRequest): Plan {
    return this.#pass(head, TENANT_OFF, { route, params: view.params })
  }

  #make(head: RequestHead): Plan {
    const isRead = head.method === 'GET' || head.method === 'HEAD'
    const read = isRead ? matchRead(head.path) : null
    if (read?.kind === 'invalid-parameter') return REFUSE
    if (read?.kind === 'cached') return this.#readCached(head, read.match)
    // guard: admin-closed
    if (ADMIN.test(head.path)) return HIDE
    if (head.forwardsLeft === 0) return ANSWER_HERE
    return this.#pass(head, isSafeMethod(head.method) ? PASS_READ : PASS_WRITE, null)
  }

  #readCached(head: RequestHead, match: RouteMatch): Plan {
    const directives = requestDirectives(head.cacheControl, head.pragma)
    if (head.query !== null) return this.#pass(head, BYPASS_QUERY, match)
    const request = readRequest({
      match,
      tenant: head.tenant as string,
      version: head.version,
      credential: this.#credentials.of(head.authorization as string),
      directives,
      pins: this.#pins,
    })
    return { kind: 'read', request }
  }

  #pass(head: RequestHead, told: Outcome, read: RouteMatch | null): Plan {
    const { authorization, tenant, method, path, ifMatch } = head
    // guard: minted-conditions
    if (ifMatch !== null && canNotMatch(ifMatch)) return UNMATCHED
    const credential = authorization === null ? null : this.#credentials.of(authorization)
    const write = tenant === null ? null : matchWrite(method, path)
    const route = read?.route.name ?? write?.row.id ?? null
    const isCached = matchRead(path).kind === 'cached'
    const preflight = preflightOf(head)
    return { kind: 'pass', outcome: told, credential, write, read, isCached, preflight, route }
  }
}

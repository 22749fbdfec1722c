/**
 * A read as the cache sees it: what is asked for, and by whom, with the keys that follow. No header, no
 * token, no HTTP message.
 */
import type { CachedRoute, RouteMatch } from '../contract/routes.ts'
import type { RequestDirectives } from './cache-control.ts'
import {
  admissionKey,
  credentialFence,
  grantKey,
  type Key,
  kinFence,
  subjectFence,
  tenantFence,
  type View,
  viewKey,
} from './key.ts'

export interface ReadRequest {
  readonly view: View
  readonly route: CachedRoute
  /** Stands for the credential. A plain string here: the cache knows nothing of tokens. */
  readonly partition: string
  readonly directives: RequestDirectives
  /** The version that the credential last used upstream; null: not known. */
  readonly pinnedVersion: string | null
  readonly requestId: string
  readonly viewKey: Key
  readonly grantKey: Key
  readonly admissionKey: Key
}

export interface ReadDescription {
  readonly match: RouteMatch
  readonly tenant: string
  readonly version: string | null
  readonly partition: string
  readonly directives: RequestDirectives
  readonly pinnedVersion: string | null
  readonly requestId: string
}

export function readRequest(described: ReadDescription): ReadRequest {
  const { match, tenant, version, partition } = described
  const view: View = { tenant, route: match.route.name, params: match.params, version }
  const key = viewKey(view)
  return {
    view,
    route: match.route,
    partition,
    directives: described.directives,
    pinnedVersion: described.pinnedVersion,
    requestId: described.requestId,
    viewKey: key,
    grantKey: grantKey(key, partition),
    admissionKey: admissionKey(tenant, partition),
  }
}

/** The record whose fence guards the read: the route's first parameter. */
export function subjectOf(request: ReadRequest): string {
  return request.view.params[0] as string
}

/** The fences that a fill of this request starts under; the credential's own comes last. */
export function fencesOf(request: ReadRequest): readonly Key[] {
  const { tenant } = request.view
  return [
    tenantFence(tenant),
    subjectFence(tenant, request.route.subject, subjectOf(request)),
    credentialFence(request.partition),
  ]
}

/** Tells whether any family of the tenant has changed; null: the route has no families. */
export function kinOf(request: ReadRequest): Key | null {
  return request.route.parentMember === null ? null : kinFence(request.view.tenant)
}

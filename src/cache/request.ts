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
  representationKey,
  subjectFence,
  tenantFence,
  type View,
  viewKey,
} from './key.ts'
import type { TierCredential, TierQuery } from './ports.ts'

/** A credential, as the cache may know it: nothing here is the token, or can be turned back into it. */
export interface RequestCredential {
  /** Stands for the credential in keys and fences. */
  readonly partition: string
  /** Proof of the token, made apart from the partition. */
  readonly holder: string
  /** Opens what was sealed for this credential in a tenant. */
  sealFor(tenant: string): Buffer
  /** The same credential under secrets that are being retired. */
  readonly former: readonly RequestCredential[]
}

/** Which version a credential last used upstream. */
export interface Pins {
  /** @param form the explicit version, or null when the header is absent; null: not known */
  current(partition: string, form: string | null): string | null
  /** Another instance knows it. */
  adopt(partition: string, version: string): void
}

export interface ReadRequest {
  readonly view: View
  readonly route: CachedRoute
  readonly credential: RequestCredential
  /** The credential's. */
  readonly partition: string
  readonly directives: RequestDirectives
  readonly pins: Pins
  readonly viewKey: Key
  readonly grantKey: Key
  readonly admissionKey: Key
  /** As `key.representationKey`, for this view. Remembers the last one: a view is mostly shown the same. */
  representationKey(scope: string, digest: string): Key
}

export interface ReadDescription {
  readonly match: RouteMatch
  readonly tenant: string
  readonly version: string | null
  readonly credential: RequestCredential
  readonly directives: RequestDirectives
  readonly pins: Pins
}

export function readRequest(described: ReadDescription): ReadRequest {
  const { match, tenant, version, credential } = described
  const { partition } = credential
  const view: View = { tenant, route: match.route.name, params: match.params, version }
  const key = viewKey(view)
  return {
    view,
    route: match.route,
    credential,
    partition,
    directives: described.directives,
    pins: described.pins,
    viewKey: key,
    grantKey: grantKey(key, partition),
    admissionKey: admissionKey(tenant, partition),
    representationKey: rememberingLast((scope, digest) => representationKey(key, scope, digest)),
  }
}

function rememberingLast(
  make: (scope: string, digest: string) => Key,
): (scope: string, digest: string) => Key {
  let last = { scope: '', digest: '', key: '' }
  return (scope, digest) => {
    if (last.digest !== digest || last.scope !== scope) {
      last = { scope, digest, key: make(scope, digest) }
    }
    return last.key
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

/** The read as the second tier is asked for it: once for each secret that is known. */
export function tierQuery(
  request: ReadRequest,
  scopeOf: (partition: string) => string,
  isProvisional: boolean,
): TierQuery {
  const { view, credential } = request
  const [tenant, subject] = fencesOf(request) as [Key, Key]
  const kin = kinOf(request)
  return {
    tenant: view.tenant,
    viewKey: request.viewKey,
    fences: kin === null ? [tenant, subject] : [tenant, subject, kin],
    credentials: [credential, ...credential.former].map((each) =>
      tierCredential(request, each, scopeOf),
    ),
    isProvisional,
  }
}

export function tierCredential(
  { view, viewKey: key }: ReadRequest,
  { partition, sealFor }: RequestCredential,
  scopeOf: (partition: string) => string,
): TierCredential {
  return {
    partition,
    grantKey: grantKey(key, partition),
    admissionKey: admissionKey(view.tenant, partition),
    scope: scopeOf(partition),
    seal: sealFor(view.tenant),
  }
}

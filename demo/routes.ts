/** The path parameters of a matched route, each a canonical decimal string. */
export type RouteParameters = Readonly<Record<string, string>>

/** A path the upstream knows. */
export interface Route {
  readonly template: Template
  /** Value of `Allow` and of `Access-Control-Allow-Methods`; no space after the comma. */
  readonly allow: string
}

export interface RouteMatch {
  readonly route: Route
  readonly parameters: RouteParameters
}

const ALLOW = {
  '/tenants': 'GET',
  '/customers': 'GET',
  '/customers/{customer_id}': 'GET,PATCH',
  '/customers/{customer_id}/addresses': 'GET,POST',
  '/customers/{customer_id}/addresses/{customer_address_id}': 'GET,PATCH,DELETE',
  '/customers/{customer_id}/contacts': 'GET,POST',
  '/customers/{customer_id}/contacts/{customer_contact_id}': 'GET,PATCH',
  '/customers/{customer_id}/locations': 'GET',
  '/customers/{customer_id}/locations/{customer_location_id}': 'GET,POST,PATCH,DELETE',
  '/locations/{location_id}/customers': 'GET,POST',
  '/locations/{location_id}/customers/{customer_id}': 'GET',
} as const

export type Template = keyof typeof ALLOW

interface CompiledRoute extends Route {
  readonly segments: readonly string[]
}

const ROUTES: readonly CompiledRoute[] = Object.entries(ALLOW).map(([template, allow]) => ({
  template: template as Template,
  allow,
  segments: template.split('/'),
}))

const CUSTOMER_ROUTE = ROUTES.find((route) => route.template === '/customers/{customer_id}')
const CUSTOMER_PATH = /^\/customers\/([1-9]\d{0,17})\/?$/

/**
 * The route of a path, with or without the final slash. Like many frameworks it decodes each
 * segment and reads `07` as 7: a cache in front must not take such spellings for other records.
 */
export function matchRoute(path: string): RouteMatch | undefined {
  const customer = CUSTOMER_PATH.exec(path)?.[1]
  if (customer !== undefined && CUSTOMER_ROUTE !== undefined) {
    return { route: CUSTOMER_ROUTE, parameters: { customer_id: customer } }
  }
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path
  const segments = decodeSegments(trimmed)
  if (segments === undefined) return undefined
  for (const route of ROUTES) {
    const parameters = matchSegments(route.segments, segments)
    if (parameters !== undefined) return { route, parameters }
  }
  return undefined
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function matchSegments(
  template: readonly string[],
  segments: readonly string[],
): RouteParameters | undefined {
  if (template.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, expected] of template.entries()) {
    const given = segments[index] ?? ''
    if (!expected.startsWith('{')) {
      if (given !== expected) return undefined
      continue
    }
    const id = canonicalId(given)
    if (id === undefined) return undefined
    parameters[expected.slice(1, -1)] = id
  }
  return parameters
}

const LARGEST = (1n << 63n) - 1n

/** `007` → `7`; `undefined` for anything that is not an unsigned integer up to 2^63-1. */
export function canonicalId(text: string): string | undefined {
  if (!/^\d{1,64}$/.test(text)) return undefined
  const value = BigInt(text)
  return value > LARGEST ? undefined : value.toString()
}

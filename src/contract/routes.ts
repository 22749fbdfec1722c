/**
 * The route table: which reads are cached, and which writes make them stale (`docs/coherence.md`). Data
 * first; the matcher below it is all the code there is. A new cached read is a new row, and nothing in `cache/` changes for
 * it.
 */
import { isCanonicalId } from './headers.ts'

/** A read that is served from the cache. Its key is tenant, route name, parameters and version form. */
export interface CachedRoute {
  readonly name: string
  /** `{x}` stands for one integer parameter. A final slash is accepted and kept for the upstream. */
  readonly template: string
  /** The kind of record that the first parameter names; its fence guards every entry of the route. */
  readonly subject: string
  /** Top-level body member that names another record of the same kind whose family fence also guards. */
  readonly parentMember: string | null
}

export interface RouteMatch {
  readonly route: CachedRoute
  /** Canonical decimal strings, in the template's order. */
  readonly params: readonly string[]
}

/**
 * What a write below a cached resource makes stale:
 * - `subject`: all entries of the record itself;
 * - `family`: also the entries of records whose parent it is;
 * - `parents`: also the entries of its old and new parent, learnt from the bodies and from what was
 *   cached; if they can't be learnt, all entries of the tenant;
 * - `created`: the record is named only by the answer.
 */
export type Staleness = 'subject' | 'family' | 'parents' | 'created'

export interface WriteRow {
  /** The contract's id, or `other` for an operation that the contract does not list. */
  readonly id: string
  readonly method: string
  readonly template: string
  /** The kind of record whose reads become stale, as `CachedRoute.subject` names it. */
  readonly subject: string
  /** Body member that names its parent, as `CachedRoute.parentMember`. */
  readonly parentMember: string
  /** The place in the template of the record whose reads become stale; null when none is named. */
  readonly subjectParam: number | null
  readonly drops: readonly Staleness[]
}

export interface WriteMatch {
  readonly row: WriteRow
  /** Canonical id of the record that the path names; null: not named, or not readable as an id. */
  readonly subject: string | null
}

const CUSTOMER = '/customers/{customer_id}'
/** The kind of record that all cached reads are of. */
export const SUBJECT = 'customer'
const PARENT_MEMBER = 'parent_id'
const ADDRESSES: readonly Staleness[] = ['subject', 'family']
const EMBEDDED: readonly Staleness[] = ['subject']
const LINKS: readonly Staleness[] = ['subject', 'family', 'parents']

export const CACHED_ROUTES: readonly CachedRoute[] = [
  { name: 'customer', template: CUSTOMER, subject: SUBJECT, parentMember: PARENT_MEMBER },
]

/** First match wins. `*` is any unsafe method; a final double star is any path below, the path itself included. */
export const WRITE_ROWS: readonly WriteRow[] = [
  write('W1', 'PATCH', CUSTOMER, 0, LINKS),
  write('W2', 'POST', `${CUSTOMER}/addresses`, 0, ADDRESSES),
  write('W3', 'PATCH', `${CUSTOMER}/addresses/{address_id}`, 0, ADDRESSES),
  write('W4', 'DELETE', `${CUSTOMER}/addresses/{address_id}`, 0, ADDRESSES),
  write('W5', 'POST', `${CUSTOMER}/contacts`, 0, EMBEDDED),
  write('W6', 'PATCH', `${CUSTOMER}/contacts/{contact_id}`, 0, EMBEDDED),
  write('W7', 'POST', `${CUSTOMER}/locations/{location_id}`, 0, EMBEDDED),
  write('W8', 'PATCH', `${CUSTOMER}/locations/{location_id}`, 0, EMBEDDED),
  write('W9', 'DELETE', `${CUSTOMER}/locations/{location_id}`, 0, EMBEDDED),
  write('W10', 'POST', '/locations/{location_id}/customers', null, ['created', 'parents']),
  write('other', '*', `${CUSTOMER}/**`, 0, LINKS),
  write('other', '*', '/locations/{location_id}/customers/{customer_id}/**', 1, LINKS),
  write('other', '*', '/locations/{location_id}/customers', null, []),
  write('other', '*', '/customers', null, []),
]

function write(
  id: string,
  method: string,
  template: string,
  subjectParam: number | null,
  drops: readonly Staleness[],
): WriteRow {
  const record = { subject: SUBJECT, parentMember: PARENT_MEMBER }
  return { id, method, template, ...record, subjectParam, drops }
}

/**
 * `method` is safe by RFC 9110 section 9.2.1, or RFC 10008 (QUERY), and can't make anything stale. What is not known
 * to be safe is not.
 */
export function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'QUERY'
}

/** More than the longest template, with its leading slash, a final one, and one beyond. */
const MAX_SEGMENTS = 16

export type ReadMatch =
  | { readonly kind: 'cached'; readonly match: RouteMatch }
  /** The path is a cached route's but for a parameter that is an integer and yet no canonical id. */
  | { readonly kind: 'invalid-parameter'; readonly parameter: string }
  | { readonly kind: 'none' }

const NONE: ReadMatch = { kind: 'none' }
/** An attempt at an integer: these are refused, while `/customers/search` is simply another route. */
const INTEGER_LIKE = /^[+-]?[0-9]+$/

interface CompiledRoute {
  readonly route: CachedRoute
  readonly segments: readonly string[]
}

const COMPILED_ROUTES: readonly CompiledRoute[] = CACHED_ROUTES.map((route) => ({
  route,
  segments: segmentsOf(route.template),
}))

/** Matches a path (no query) against the cached reads. Case-sensitive; `/customers/` is no match. */
export function matchRead(path: string): ReadMatch {
  const segments = segmentsOf(path)
  for (const compiled of COMPILED_ROUTES) {
    const matched = matchSegments(compiled, segments)
    if (matched.kind !== 'none') return matched
  }
  return NONE
}

function matchSegments({ route, segments }: CompiledRoute, actual: readonly string[]): ReadMatch {
  if (actual.length !== segments.length) return NONE
  const params: string[] = []
  for (const [i, expected] of segments.entries()) {
    const segment = actual[i] as string
    if (!isParameter(expected)) {
      if (segment !== expected) return NONE
    } else if (isCanonicalId(segment)) {
      params.push(segment)
    } else {
      return INTEGER_LIKE.test(segment)
        ? { kind: 'invalid-parameter', parameter: expected.slice(1, -1) }
        : NONE
    }
  }
  return { kind: 'cached', match: { route, params } }
}

/**
 * Matches an unsafe request against the write rows; null when it is not below a cached resource.
 * Letter case, a final slash and spellings like `007` are forgiven here: the upstream may forgive
 * them too, and a write that is missed leaves something old in the cache.
 */
export function matchWrite(method: string, path: string): WriteMatch | null {
  if (isSafeMethod(method)) return null
  const actual = segmentsOf(path.toLowerCase())
  for (const row of WRITE_ROWS) {
    if (row.method !== '*' && row.method !== method) continue
    const params = matchTemplate(row.template, actual)
    if (params === null) continue
    const named = row.subjectParam === null ? null : (params[row.subjectParam] ?? '')
    return { row, subject: named === null ? null : canonicalIdOf(named) }
  }
  return null
}

function matchTemplate(template: string, actual: readonly string[]): string[] | null {
  const open = template.endsWith('/**')
  const expected = segmentsOf(open ? template.slice(0, -3) : template)
  if (open ? actual.length < expected.length : actual.length !== expected.length) return null
  const params: string[] = []
  for (const [i, segment] of expected.entries()) {
    const value = actual[i] as string
    if (isParameter(segment)) params.push(value)
    else if (value !== segment) return null
  }
  return params
}

/**
 * Path segments without the leading slash and without one final slash. Of a path with more than any template has, only
 * so many that it still has more.
 */
function segmentsOf(path: string): string[] {
  const segments = path.split('/', MAX_SEGMENTS)
  segments.shift()
  if (segments.length > 1 && segments.at(-1) === '') segments.pop()
  return segments
}

function isParameter(segment: string): boolean {
  return segment.startsWith('{')
}

function canonicalIdOf(text: string): string | null {
  if (!/^[0-9]{1,64}$/.test(text)) return null
  const id = BigInt(text).toString()
  return isCanonicalId(id) ? id : null
}

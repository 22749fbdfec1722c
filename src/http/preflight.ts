/**
 * CORS preflights (Fetch, section 3.2.2): what one asks, what the API's answer to it says, and the answer that
 * Layby gives. Pure.
 */

import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import { isUuid } from '../contract/headers.ts'
import type { PlainAnswer } from './answer.ts'
import type { RequestHead } from './validate.ts'

/** Request headers that Layby reads itself, whatever the API thinks of them; in lower case. */
export const UNDERSTOOD: readonly string[] = [
  'x-api-version',
  'x-request-id',
  'if-none-match',
  'cache-control',
  'traceparent',
]

export interface Preflight {
  readonly origin: string
  readonly pattern: string
  /** Origin, pattern, method and names: one answer of the API's is for all that have these in common. */
  readonly key: string
}

/** What a page may do. */
export interface Permission {
  /** `*`, or the origin of the page. */
  readonly allowOrigin: string
  readonly hasCredentials: boolean
  /** Lists as the field has them; null: what needs no permission. */
  readonly methods: string | null
  readonly headers: string | null
  /** Whole seconds for which a browser may keep it; null: not said. */
  readonly maxAge: number | null
}

const MAX_ORIGIN_LENGTH = 256
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[a-z0-9._[\]:-]+)$/
const MAX_PATH_LENGTH = 512
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/
const MAX_NAMES_LENGTH = 1_024
const NAMES = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** Of what the API says; who says more is not remembered. */
const MAX_LIST_LENGTH = 2_048

/** Null: it is no preflight, or one that is passed on as it is. */
export function preflightOf(head: RequestHead): Preflight | null {
  const { method, requestedMethod, authorization } = head
  if (method !== 'OPTIONS' || requestedMethod === null || authorization !== null) return null
  const { origin } = head
  const pattern = pathPattern(head.path)
  if (origin === null || !isOrigin(origin) || pattern === null) return null
  const names = requestedNames(head.requestedHeaders ?? '')
  if (names === null || !METHOD.test(requestedMethod)) return null
  // guard: preflight-key
  return { origin, pattern, key: [origin, pattern, requestedMethod, ...names].join('\n') }
}

function isOrigin(text: string): boolean {
  return text.length <= MAX_ORIGIN_LENGTH && ORIGIN.test(text)
}

/** Sorted, each once, without those that Layby reads itself; null: it is no list of names. */
function requestedNames(field: string): string[] | null {
  if (field.length > MAX_NAMES_LENGTH) return null
  const names = field.split(',').map((name) => name.trim().toLowerCase())
  const given = names.filter((name) => name !== '')
  if (!given.every((name) => NAMES.test(name))) return null
  return [...new Set(given)].filter((name) => !UNDERSTOOD.includes(name)).sort()
}

/** The path with `*` for each id; null: it is too long to be remembered. */
export function pathPattern(path: string): string | null {
  if (path.length > MAX_PATH_LENGTH) return null
  const segments = path.split('/')
  return segments.map((text) => (/^[0-9]+$/.test(text) || isUuid(text) ? '*' : text)).join('/')
}

/**
 * What the API is asked of a preflight: not of the names that Layby reads itself, of which it may know nothing.
 *
 * @param headers names in lower case and values, in turn
 */
export function preflightForApi(headers: readonly string[]): readonly string[] {
  const forApi: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    const left = name === 'access-control-request-headers' ? withoutUnderstood(value) : value
    if (left !== '') forApi.push(name, left)
  }
  return forApi
}

function withoutUnderstood(field: string): string {
  const names = field.split(',')
  const left = names.filter((name) => !UNDERSTOOD.includes(name.trim().toLowerCase()))
  return left.length === names.length ? field : left.join(',').trim()
}

/** What the API's answer to a preflight of this origin permits; null: nothing that could be told to a browser. */
export function permissionIn(
  { origin }: Preflight,
  status: number,
  headers: HeaderList,
): Permission | null {
  // guard: good-preflights
  if (status < 200 || status > 299) return null
  const allowOrigin = joinedHeader(headers, 'access-control-allow-origin')
  if (allowOrigin !== '*' && allowOrigin !== origin) return null
  const methods = joinedHeader(headers, 'access-control-allow-methods')
  const names = joinedHeader(headers, 'access-control-allow-headers')
  if ((methods ?? '').length + (names ?? '').length > MAX_LIST_LENGTH) return null
  const maxAge = joinedHeader(headers, 'access-control-max-age')
  return {
    allowOrigin,
    hasCredentials: joinedHeader(headers, 'access-control-allow-credentials') === 'true',
    methods,
    headers: names,
    maxAge: maxAge !== null && /^[0-9]{1,9}$/.test(maxAge) ? Number(maxAge) : null,
  }
}

/**
 * @param permission null: the page may do nothing
 * @param maxAge whole seconds
 */
export function preflightAnswer(
  permission: Permission | null,
  maxAge: number,
  requestId: string,
): PlainAnswer {
  const head = [
    ...(permission === null ? [] : permitting(permission, maxAge)),
    'Cache-Control',
    'no-store',
    'CDN-Cache-Control',
    'no-store',
    'Vary',
    'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'X-Request-Id',
    requestId,
  ]
  return { status: 204, reason: 'No Content', head, body: null }
}

function permitting(permission: Permission, maxAge: number): string[] {
  const { allowOrigin, hasCredentials, methods, headers } = permission
  return [
    'Access-Control-Allow-Origin',
    allowOrigin,
    ...(hasCredentials ? ['Access-Control-Allow-Credentials', 'true'] : []),
    ...(methods === null ? [] : ['Access-Control-Allow-Methods', methods]),
    'Access-Control-Allow-Headers',
    withUnderstood(headers),
    'Access-Control-Max-Age',
    String(maxAge),
  ]
}

function withUnderstood(list: string | null): string {
  const own = list === null ? [] : list.split(',').map((name) => name.trim())
  const given = own.filter((name) => name !== '')
  const known = new Set(given.map((name) => name.toLowerCase()))
  return [...given, ...UNDERSTOOD.filter((name) => !known.has(name))].join(', ')
}

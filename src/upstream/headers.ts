/**
 * Which headers go to the upstream and come back from it. Towards the upstream the block is built anew
 * from an allow-list (reliability S7): a header that is not named here does not leave the house.
 */
import type { HeaderList } from '../cache/records.ts'
import { trimOws } from '../lib/ows.ts'
import { type TraceContext, traceparentOf } from '../lib/trace-context.ts'
import type { Span } from '../lib/tracer.ts'

/** What a customer read tells the upstream. Everything else is the same for every fill. */
export interface ReadHeaders {
  readonly authorization: string
  readonly tenant: string
  /** Null: the header is left out, which is a form of its own (contract section 9). */
  readonly version: string | null
  readonly requestId: string
  /** What the calls to the upstream are part of. */
  readonly span: Span
}

export const VIA = '1.1 layby'

/**
 * `Accept` and `Accept-Encoding` are fixed, so that an answer never depends on a header that is not in
 * the key; `Origin`, `Range` and conditions are not sent for the same reason.
 */
export function readHeaders(
  { authorization, tenant, version, requestId }: Omit<ReadHeaders, 'span'>,
  call: TraceContext,
): string[] {
  const headers = [
    'authorization',
    authorization,
    'x-tenant-id',
    tenant,
    'x-request-id',
    requestId,
    'accept',
    'application/json',
    'accept-encoding',
    'identity',
    'via',
    VIA,
    ...traceHeaders(call),
  ]
  if (version !== null) headers.push('x-api-version', version)
  return headers
}

function traceHeaders(call: TraceContext): string[] {
  const headers = ['traceparent', traceparentOf(call)]
  if (call.state !== null) headers.push('tracestate', call.state)
  return headers
}

/** Passed through as they came. `x-request-id`, `via`, the trace and the framing are set here, never passed. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'cache-control',
  // What says how the content is to be read: without it the same bytes mean something else.
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'origin',
  'prefer',
  'range',
  'repr-digest',
  'user-agent',
  'x-api-version',
  'x-tenant-id',
])

/** Our own entity tags mean nothing to the upstream, and a range of a cached route is served whole. */
const NOT_ON_CACHED_ROUTES: ReadonlySet<string> = new Set(['if-none-match', 'if-range', 'range'])

/** What of a client's headers goes on to the upstream. */
export interface PassedOn {
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Of the proxies before this one, ready to be continued. */
  readonly via: string
}

/**
 * @param rawHeaders names and values in turn, as the client sent them
 * @param onCachedRoute the path is a cached route's, and the request skips the cache
 */
export function passedOn(rawHeaders: readonly string[], onCachedRoute: boolean): PassedOn {
  const headers: string[] = []
  let via = ''
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    if (name === 'via') via += `${value}, `
    // guard: request-allow-list
    if (!PASSED_ON.has(name) || (onCachedRoute && NOT_ON_CACHED_ROUTES.has(name))) continue
    headers.push(name, value)
  }
  return { headers, via }
}

/**
 * @param call the trace, as it goes on with this call
 * @returns names and values in turn
 */
export function passedHeaders(
  { headers, via }: PassedOn,
  requestId: string,
  call: TraceContext,
): string[] {
  return [...headers, 'x-request-id', requestId, 'via', via + VIA, ...traceHeaders(call)]
}

/** RFC 9110 section 7.6.1, and their forerunners. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Who names more fields than fit is not believed: dropping some of them would be worse. */
const MAX_CONNECTION_LENGTH = 1_024
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a value
const FORBIDDEN_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/

/** Header names as they came → in lower case. An upstream sends the same ones again and again. */
const knownNames = new Map<string, string>()
const MAX_KNOWN_NAMES = 256
const MAX_KNOWN_LENGTH = 64

/** Null: not a header name. */
function lowerName(name: string): string | null {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  if (!TOKEN.test(name)) return null
  const lower = name.toLowerCase()
  const isUsual = name.length <= MAX_KNOWN_LENGTH && knownNames.size < MAX_KNOWN_NAMES
  if (isUsual) knownNames.set(name, lower)
  return lower
}

/**
 * The end-to-end headers of an answer, names in lower case, order kept; null if one of them is no valid
 * header, in which case the answer can't be trusted at all.
 *
 * @param raw names and values in turn, as the upstream sent them
 */
export function endToEndHeaders(raw: readonly string[]): HeaderList | null {
  const fields: [string, string][] = []
  let named: Set<string> | null = null
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = lowerName(raw[i] as string)
    // undici leaves the white space at the end of a line.
    const value = trimOws(raw[i + 1] as string)
    if (name === null || FORBIDDEN_IN_VALUE.test(value)) return null
    if (name === 'connection') {
      if (value.length > MAX_CONNECTION_LENGTH) return null
      named ??= new Set()
      for (const option of value.split(',')) named.add(option.trim().toLowerCase())
    }
    if (!HOP_BY_HOP.has(name)) fields.push([name, value])
  }
  return named === null ? fields : fields.filter(([name]) => !named.has(name))
}

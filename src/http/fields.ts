/**
 * One pass over the raw header list: the fields that matter, each exactly once, and the first thing that
 * is wrong with the list itself.
 */
import { CONTRACT_HEADERS } from '../contract/headers.ts'
import { trimOws } from '../lib/ows.ts'
import type { ProblemCode } from './problems.ts'

export interface Fields {
  /** How many header fields there are. */
  readonly count: number
  authorization: string | null
  tenant: string | null
  version: string | null
  requestId: string | null
  contentType: string | null
  host: string | null
  contentLength: string | null
  transferEncoding: string | null
  expect: string | null
  cacheControl: string | null
  pragma: string | null
  origin: string | null
  requestedMethod: string | null
  requestedHeaders: string | null
  ifMatch: string | null
  ifNoneMatch: string | null
  acceptEncoding: string | null
  maxForwards: string | null
  traceparent: string | null
  tracestate: string | null
  /** `Via` names this proxy. */
  hasPassedHere: boolean
  /** The first thing wrong with the list. */
  problem: ProblemCode | null
}

/** The name under which Layby enters itself in `Via` and `Cache-Status`. */
export const CACHE_NAME = 'layby'

const VIA_SELF = new RegExp(`(?:^|,)[ \\t]*[^ \\t,]+[ \\t]+${CACHE_NAME}[ \\t]*(?:\\(|,|$)`, 'i')
/**
 * Anything else in `Connection` is a request to drop a header before forwarding. Naming one of ours
 * would take it from the upstream's sight and leave it in the key (CVE-2026-33805).
 */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set([
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'http2-settings',
  '',
])
/** All the known ones fit several times. */
const MAX_CONNECTION_LENGTH = 256
const CONTRACT_SET: ReadonlySet<string> = new Set(CONTRACT_HEADERS)

/** A request with more is refused, and those beyond are not looked at. */
export const MAX_HEADER_FIELDS = 100

export function collectFields(rawHeaders: readonly string[]): Fields {
  const fields: Fields = {
    count: rawHeaders.length >> 1,
    authorization: null,
    tenant: null,
    version: null,
    requestId: null,
    contentType: null,
    host: null,
    contentLength: null,
    transferEncoding: null,
    expect: null,
    cacheControl: null,
    pragma: null,
    origin: null,
    requestedMethod: null,
    requestedHeaders: null,
    ifMatch: null,
    ifNoneMatch: null,
    acceptEncoding: null,
    maxForwards: null,
    traceparent: null,
    tracestate: null,
    hasPassedHere: false,
    problem: null,
  }
  const end = Math.min(rawHeaders.length, 2 * MAX_HEADER_FIELDS)
  for (let i = 0; i + 1 < end; i += 2) {
    collect(fields, (rawHeaders[i] as string).toLowerCase(), trimOws(rawHeaders[i + 1] as string))
  }
  return fields
}

type SingleField = 'authorization' | 'tenant' | 'contentType' | 'host' | 'contentLength'
type ListField =
  | 'acceptEncoding'
  | 'cacheControl'
  | 'expect'
  | 'maxForwards'
  | 'pragma'
  | 'ifMatch'
  | 'origin'
  | 'requestedMethod'
  | 'requestedHeaders'
  | 'ifNoneMatch'
  | 'traceparent'
  | 'tracestate'
  | 'transferEncoding'

/** A second line of these is an error: which one would count? */
const SINGLE_FIELDS: ReadonlyMap<string, SingleField> = new Map([
  ['authorization', 'authorization'],
  ['x-tenant-id', 'tenant'],
  ['content-type', 'contentType'],
  ['host', 'host'],
  ['content-length', 'contentLength'],
])
/** Lines of these are one list (RFC 9110 section 5.3). */
const LIST_FIELDS: ReadonlyMap<string, ListField> = new Map([
  ['accept-encoding', 'acceptEncoding'],
  ['cache-control', 'cacheControl'],
  ['expect', 'expect'],
  ['pragma', 'pragma'],
  ['if-match', 'ifMatch'],
  // Two lines of it are no origin, and those of the next no method.
  ['origin', 'origin'],
  ['access-control-request-method', 'requestedMethod'],
  ['access-control-request-headers', 'requestedHeaders'],
  ['if-none-match', 'ifNoneMatch'],
  // Two lines of it make one that is none, as of the next.
  ['max-forwards', 'maxForwards'],
  ['traceparent', 'traceparent'],
  ['tracestate', 'tracestate'],
  ['transfer-encoding', 'transferEncoding'],
])

function collect(fields: Fields, name: string, value: string): void {
  const single = SINGLE_FIELDS.get(name)
  if (single !== undefined) {
    // guard: one-line-each
    if (fields[single] !== null) fields.problem ??= 'duplicate_header'
    fields[single] = value
    return
  }
  const list = LIST_FIELDS.get(name)
  if (list !== undefined) {
    const before = fields[list]
    fields[list] = before === null ? value : `${before}, ${value}`
    return
  }
  collectOther(fields, name, value)
}

function collectOther(fields: Fields, name: string, value: string): void {
  switch (name) {
    case 'x-api-version':
      if (fields.version !== null) fields.problem ??= 'unsupported_api_version'
      fields.version = value
      break
    case 'x-request-id':
      // Anything but one valid id is replaced, not refused: two are not one.
      fields.requestId = fields.requestId === null ? value : ''
      break
    case 'connection':
      // guard: connection-options
      if (!hasOnlyKnownOptions(value)) fields.problem ??= 'forbidden_connection_option'
      break
    case 'via':
      if (VIA_SELF.test(value)) fields.hasPassedHere = true
      break
    default:
      // `x_tenant_id` is another header to us and may be the same one to what stands behind us.
      // guard: header-lookalikes
      if (/[_.]/.test(name) && CONTRACT_SET.has(name.replace(/[_.]/g, '-'))) {
        fields.problem ??= 'ambiguous_header'
      }
  }
}

function hasOnlyKnownOptions(connection: string): boolean {
  return (
    connection.length <= MAX_CONNECTION_LENGTH &&
    connection.split(',').every((option) => CONNECTION_OPTIONS.has(trimOws(option).toLowerCase()))
  )
}

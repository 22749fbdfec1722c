/**
 * Up-front validation, on the raw header list (reliability section 3). Node's joined header object will
 * not do: it joins two `x-tenant-id` lines into one value and drops a second `authorization` silently.
 * What is doubtful is refused, not repaired; nothing is looked up or sent before this has passed.
 */
import {
  isApiVersion,
  isBearerCredential,
  isCanonicalId,
  isUuid,
  mediaTypeOf,
} from '../contract/headers.ts'
import type { ReadersKeys } from './cors.ts'
import { collectFields, type Fields, MAX_HEADER_FIELDS } from './fields.ts'
import type { PassedOn } from './forward.ts'
import { forwardsLeft } from './max-forwards.ts'
import { isRefusedMethod } from './methods.ts'
import type { Plan } from './plan.ts'
import type { ProblemCode } from './problems.ts'
import { parseTarget } from './target.ts'

export interface RequestLine {
  readonly method: string
  /** The target as it stood in the request line. */
  readonly url: string
  /** `1.1`, `1.0`, or whatever the parser let through. */
  readonly httpVersion: string
}

/** What of Node's `IncomingMessage` is looked at; the second front end brings its own. */
export interface RawRequest extends RequestLine {
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/** As they came; nothing has been made of them yet. */
export interface TraceFields {
  readonly traceparent: string | null
  readonly tracestate: string | null
}

/** A request that may go on. Values are without outer white space. */
export interface RequestHead extends TraceFields {
  readonly method: string
  readonly path: string
  readonly query: string | null
  readonly requestId: string
  /** Null only on a CORS preflight, which browsers send without credentials. */
  readonly authorization: string | null
  readonly tenant: string | null
  readonly version: string | null
  readonly cacheControl: string | null
  readonly pragma: string | null
  readonly origin: string | null
  /** `Access-Control-Request-Method`: with OPTIONS, it is a CORS preflight. */
  readonly requestedMethod: string | null
  readonly requestedHeaders: string | null
  readonly ifMatch: string | null
  readonly ifNoneMatch: string | null
  readonly acceptEncoding: string | null
  /** See `forwardsLeft`. */
  readonly forwardsLeft: number | null
  /** Shared by all heads that differ in nothing but their request id. */
  readonly notes: HeadNotes
}

/** What has been made of a head, kept so that it need not be made again for the next one like it. */
export interface HeadNotes {
  plan: Plan | null
  /** What goes on to the upstream when the request passes through. */
  passedOn: PassedOn | null
  /** Under which names it is remembered who may read its answer. */
  readersKeys: ReadersKeys | null
}

export interface Refused extends TraceFields {
  readonly kind: 'refused'
  readonly code: ProblemCode
  readonly requestId: string
  readonly origin: string | null
  /** Null: the target is none that could be looked up. */
  readonly path: string | null
}

export type Validated = { readonly kind: 'ok'; readonly head: RequestHead } | Refused

/** A DNS name has 253 characters at most (RFC 1035 section 2.3.4), and a port a colon and five digits. */
const MAX_HOST_LENGTH = 259
const HOST = /^(?:[a-z0-9._~!$&'()*+,=%-]+|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?$/i

/**
 * @param newRequestId gives a fresh UUID, when the client sent no valid one
 * @param maxRequestBytes the longest content that may be announced
 */
export function validate(
  raw: RawRequest,
  newRequestId: () => string,
  maxRequestBytes: number,
): Validated {
  const fields = collectFields(raw.rawHeaders)
  // guard: own-request-id
  const requestId =
    fields.requestId !== null && isUuid(fields.requestId) ? fields.requestId : newRequestId()
  return validateFields(raw, fields, requestId, maxRequestBytes)
}

/**
 * The same for fields that have been collected already.
 *
 * @param requestId a UUID
 */
export function validateFields(
  line: RequestLine,
  fields: Fields,
  requestId: string,
  maxRequestBytes: number,
): Validated {
  const target = parseTarget(line.url)
  const code =
    checkMessage(line, fields, maxRequestBytes) ??
    (target.kind === 'ok' ? null : target.kind) ??
    checkContract(line, fields)
  if (code !== null || target.kind !== 'ok') {
    const path = target.kind === 'ok' ? target.path : null
    return refused(code ?? 'invalid_target', fields, requestId, path)
  }
  const { path, query } = target
  const { authorization, tenant, version, cacheControl, pragma, origin } = fields
  const { requestedMethod, requestedHeaders } = fields
  const { ifMatch, ifNoneMatch, acceptEncoding, traceparent, tracestate } = fields
  return {
    kind: 'ok',
    head: {
      method: line.method,
      path,
      query,
      requestId,
      authorization,
      tenant,
      version,
      cacheControl,
      pragma,
      origin,
      requestedMethod,
      requestedHeaders,
      ifMatch,
      ifNoneMatch,
      acceptEncoding,
      forwardsLeft: forwardsLeft(line.method, fields.maxForwards),
      traceparent,
      tracestate,
      notes: noNotes(),
    },
  }
}

function refused(
  code: ProblemCode,
  { origin, traceparent, tracestate }: Fields,
  requestId: string,
  path: string | null,
): Refused {
  return { kind: 'refused', code, requestId, origin, path, traceparent, tracestate }
}

function noNotes(): HeadNotes {
  return { plan: null, passedOn: null, readersKeys: null }
}

/** The message as such: version, framing, connection, method. */
function checkMessage(
  line: RequestLine,
  fields: Fields,
  maxRequestBytes: number,
): ProblemCode | null {
  if (fields.count > MAX_HEADER_FIELDS) return 'too_many_headers'
  if (line.httpVersion !== '1.1' && line.httpVersion !== '1.0') return 'invalid_version'
  // guard: sound-framing
  if (!isSoundFraming(line, fields)) return 'bad_framing'
  if (fields.problem !== null) return fields.problem
  if (!hasSoundHost(line, fields)) return 'invalid_host'
  if (fields.expect !== null && fields.expect.toLowerCase() !== '100-continue') {
    return 'expectation_failed'
  }
  // guard: refused-methods
  if (isRefusedMethod(line.method)) return 'method_not_allowed'
  return checkContent(line, fields, maxRequestBytes)
}

/** RFC 9112 section 3.2: HTTP/1.1 requires one. */
function hasSoundHost(line: RequestLine, { host }: Fields): boolean {
  if (host === null) return line.httpVersion === '1.0'
  return host.length <= MAX_HOST_LENGTH && HOST.test(host)
}

/** RFC 9112 section 6.1: `chunked`, once, alone, in HTTP/1.1; never beside a length. */
function isSoundFraming(line: RequestLine, fields: Fields): boolean {
  const { transferEncoding } = fields
  if (transferEncoding === null) return true
  return (
    transferEncoding.toLowerCase() === 'chunked' &&
    line.httpVersion === '1.1' &&
    fields.contentLength === null
  )
}

function checkContent(
  line: RequestLine,
  fields: Fields,
  maxRequestBytes: number,
): ProblemCode | null {
  const length = fields.contentLength === null ? 0 : Number(fields.contentLength)
  const hasContent = fields.transferEncoding !== null || length > 0
  if (hasContent && (line.method === 'GET' || line.method === 'HEAD')) return 'unexpected_body'
  if (length > maxRequestBytes) return 'content_too_large'
  return null
}

/** The contract's headers (api-contract.md section 4). */
function checkContract(line: RequestLine, fields: Fields): ProblemCode | null {
  const isPreflight = line.method === 'OPTIONS' && fields.requestedMethod !== null
  if (fields.hasPassedHere) return 'loop'
  return (
    checkCredentials(fields.authorization, isPreflight) ??
    checkTenant(fields.tenant, isPreflight) ??
    (fields.version === null || isApiVersion(fields.version) ? null : 'unsupported_api_version') ??
    checkContentType(fields)
  )
}

function checkCredentials(value: string | null, isPreflight: boolean): ProblemCode | null {
  if (value === null || value === '') return isPreflight ? null : 'missing_credentials'
  return isBearerCredential(value) ? null : 'invalid_credentials'
}

function checkTenant(value: string | null, isPreflight: boolean): ProblemCode | null {
  if (value === null || value === '') return isPreflight ? null : 'missing_tenant'
  // guard: tenant-form
  return isCanonicalId(value) ? null : 'invalid_tenant'
}

/** Content is JSON (contract section 2). Without content the field is only held to its form. */
function checkContentType({
  contentType,
  contentLength,
  transferEncoding,
}: Fields): ProblemCode | null {
  if (contentType === null) return null
  const type = mediaTypeOf(contentType)
  const hasContent = transferEncoding !== null || (contentLength !== null && contentLength !== '0')
  if (type === null || (hasContent && type !== 'application/json')) return 'unsupported_media_type'
  return null
}

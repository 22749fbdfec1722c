/**
 * The catalogue of errors that Layby itself answers with: RFC 9457 problem details that the API's own
 * clients can read too (`field`, `detail`, `explanation`). Docs and tests read this table; no request is ever echoed.
 */

export type ProblemType =
  | 'invalid-header'
  | 'invalid-request'
  | 'missing-credentials'
  | 'header-too-large'
  | 'not-found'
  | 'method-not-allowed'
  | 'precondition-failed'
  | 'method-not-implemented'
  | 'content-too-large'
  | 'unsupported-media-type'
  | 'expectation-failed'
  | 'request-timeout'
  | 'client-gone'
  | 'internal-error'
  | 'upstream-unreachable'
  | 'upstream-timeout'
  | 'upstream-paused'
  | 'not-cached'
  | 'tenant-limit'
  | 'overloaded'
  | 'loop'

export interface ProblemEntry {
  readonly status: number
  readonly type: ProblemType
  readonly title: string
  /** What was wrong, where, and what to do. */
  readonly detail: string
  /** The same in a few words, for the status line: the API's clients read it (contract section 7). */
  readonly phrase: string
  /** The header or part at fault; null: none in particular. */
  readonly field: string | null
  /** Whether the connection can't be trusted to be in step any more. */
  readonly closes: boolean
}

function header(field: string, phrase: string, detail: string): ProblemEntry {
  const title = 'Invalid request header'
  return { status: 400, type: 'invalid-header', title, detail, phrase, field, closes: false }
}

function request(field: string, phrase: string, detail: string, closes = false): ProblemEntry {
  const title = 'Invalid request'
  return { status: 400, type: 'invalid-request', title, detail, phrase, field, closes }
}

type Rest = Pick<ProblemEntry, 'title' | 'detail'> & Partial<Pick<ProblemEntry, 'field' | 'closes'>>

function entry(status: number, type: ProblemType, phrase: string, rest: Rest): ProblemEntry {
  return { status, type, phrase, field: null, closes: false, ...rest }
}

export const PROBLEMS = {
  missing_credentials: entry(401, 'missing-credentials', 'is required', {
    title: 'Credentials required',
    detail: 'send one authorization header with a bearer token',
    field: 'authorization',
  }),
  invalid_credentials: entry(401, 'missing-credentials', 'must be a bearer token', {
    title: 'Credentials not valid',
    detail:
      'authorization must be "Bearer", one space and a token, of at most 256 characters in all',
    field: 'authorization',
  }),
  missing_tenant: header('x-tenant-id', 'is required', 'x-tenant-id is required'),
  invalid_tenant: header(
    'x-tenant-id',
    'must be an integer',
    'x-tenant-id must be a decimal integer',
  ),
  unsupported_api_version: header(
    'x-api-version',
    'must be a published version',
    'x-api-version must be given at most once and be one of the published versions',
  ),
  duplicate_header: header(
    'headers',
    'one was given twice',
    'a header that may be given only once was given twice',
  ),
  ambiguous_header: header(
    'headers',
    'one has an ambiguous name',
    'a header name differs from a known one only by "_" or "." in place of "-"',
  ),
  forbidden_connection_option: header(
    'connection',
    'must not name headers',
    'connection may only say close, keep-alive, upgrade, te or http2-settings',
  ),
  invalid_host: header(
    'host',
    'must be one host',
    'host must be one host name or address with an optional port',
  ),
  bad_framing: request(
    'transfer-encoding',
    'must be chunked, once',
    'the message framing is not acceptable',
    true,
  ),
  invalid_version: request(
    'request-line',
    'must say HTTP/1.1',
    'the protocol must be HTTP/1.1 or HTTP/1.0',
    true,
  ),
  malformed_request: request(
    'request',
    'is not well-formed',
    'the request is not well-formed HTTP/1.1',
    true,
  ),
  plain_http: request('scheme', 'must be https', 'this port speaks TLS: ask by https://', true),
  invalid_target: request(
    'request-target',
    'must be a path',
    'the target must be an absolute path without fragment',
  ),
  path_not_canonical: request(
    'path',
    'must be canonical',
    'the path must have no empty or dot segments and no needless percent-encoding',
  ),
  invalid_parameter: request(
    'path',
    'must have an integer id',
    'an id in the path must be a decimal integer from 1 to 9223372036854775807, without sign or leading zero',
  ),
  unexpected_body: request(
    'content',
    'is not expected',
    'a request with this method must have no content',
  ),
  too_many_headers: entry(431, 'header-too-large', 'too many fields', {
    title: 'Too many header fields',
    detail: 'a request may have at most 100 header fields',
    field: 'headers',
    closes: true,
  }),
  header_too_large: entry(431, 'header-too-large', 'too large', {
    title: 'Request header too large',
    detail: 'request line and header fields may have at most 16 KiB together',
    field: 'headers',
    closes: true,
  }),
  not_found: entry(404, 'not-found', 'is not served here', {
    title: 'Not found',
    detail: 'there is nothing at this path on this port',
    field: 'path',
  }),
  method_not_allowed: entry(405, 'method-not-allowed', 'is not allowed', {
    title: 'Method not allowed',
    detail: 'TRACE and CONNECT are not served',
    field: 'method',
  }),
  method_not_implemented: entry(501, 'method-not-implemented', 'is not known', {
    title: 'Method not implemented',
    detail: 'the method is none that is known here',
    field: 'method',
    closes: true,
  }),
  request_timeout: entry(408, 'request-timeout', 'did not arrive in time', {
    title: 'Request timeout',
    detail: 'the request did not arrive in time',
    field: 'request',
    closes: true,
  }),
  client_gone: entry(499, 'client-gone', 'Client gone', {
    title: 'Client gone',
    detail:
      'the client ended its side of the connection before the answer; keep it open to read one',
    closes: true,
  }),
  precondition_failed: entry(412, 'precondition-failed', 'names no tag of the API', {
    title: 'Precondition failed',
    detail:
      'the API gives this resource no entity tag, so nothing can match one; read it again and send without if-match',
    field: 'if-match',
  }),
  content_too_large: entry(413, 'content-too-large', 'is too large', {
    title: 'Content too large',
    detail: 'the content of a request is limited; ask the operator for server.maxRequestBytes',
    field: 'content',
    closes: true,
  }),
  unsupported_media_type: entry(415, 'unsupported-media-type', 'must be application/json', {
    title: 'Unsupported media type',
    detail: 'content-type must be application/json',
    field: 'content-type',
  }),
  expectation_failed: entry(417, 'expectation-failed', 'can not be met', {
    title: 'Expectation failed',
    detail: 'the only expectation that is met is 100-continue',
    field: 'expect',
    closes: true,
  }),
  internal_error: entry(500, 'internal-error', 'Internal error', {
    title: 'Internal error',
    detail: 'something went wrong here; the log has the details under the request id',
    closes: true,
  }),
  upstream_unreachable: entry(502, 'upstream-unreachable', 'No valid answer from the API', {
    title: 'No valid answer from the API',
    detail: 'the API could not be reached, or its answer could not be understood',
  }),
  upstream_timeout: entry(504, 'upstream-timeout', 'The API did not answer in time', {
    title: 'The API did not answer in time',
    detail: 'the API did not answer within the configured time',
  }),
  upstream_paused: entry(503, 'upstream-paused', 'The API is not asked at present', {
    title: 'The API is not asked at present',
    detail: 'the API has failed repeatedly, and is asked once a second only; see Retry-After',
  }),
  overloaded: entry(503, 'overloaded', 'Overloaded', {
    title: 'Overloaded',
    detail: 'this instance has more to do than it can; see Retry-After',
  }),
  tenant_limit: entry(503, 'tenant-limit', 'Too many requests of this tenant', {
    title: 'Too many requests of this tenant',
    detail:
      'more is under way to the API than it can take, or it has asked the tenant to wait; see Retry-After',
  }),
  write_limit: entry(503, 'tenant-limit', 'Too many writes in doubt', {
    title: 'Too many writes in doubt',
    detail: 'too many writes of the tenant by tokens new to the API have no clear outcome',
  }),
  not_cached: entry(504, 'not-cached', 'Not in the cache', {
    title: 'Not in the cache',
    detail:
      'nothing stored could answer this request, and it asked for nothing else (only-if-cached)',
  }),
  loop: entry(508, 'loop', 'Loop detected', {
    title: 'Loop detected',
    detail: 'the request has been through this proxy before',
  }),
} as const satisfies Record<string, ProblemEntry>

export type ProblemCode = keyof typeof PROBLEMS

/** From an entry of the catalogue to head and body of an answer. Nothing of the request is ever echoed. */

import { AS_THE_API_SAYS, ownCorsFields, type Readers } from './cors-fields.ts'
import { ALLOWED_METHODS } from './methods.ts'
import { PROBLEMS, type ProblemCode, type ProblemEntry } from './problems.ts'

const NOT_SENT = 'The request was not sent upstream.'

const MAYBE_SENT = 'The request may have reached the API.'

export interface ProblemAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: string[]
  readonly body: string
  readonly closes: boolean
}

/** What differs between two problems of one kind. */
export interface Particulars {
  /** Whole seconds; null: it is not known when to try again. */
  readonly retryAfter: number | null
  /** Who may read it. */
  readonly readers: Readers
  /** Whether a byte of the request may have left for the API. */
  readonly wasSent: boolean
}

const NO_PARTICULARS: Particulars = { retryAfter: null, readers: AS_THE_API_SAYS, wasSent: false }

/** @param requestId the id under which the log knows this request */
export function problemAnswer(
  code: ProblemCode,
  requestId: string,
  particulars: Partial<Particulars> = {},
): ProblemAnswer {
  const { retryAfter, readers, wasSent } = { ...NO_PARTICULARS, ...particulars }
  const problem: ProblemEntry = PROBLEMS[code]
  const body = JSON.stringify({
    type: `urn:layby:problem:${problem.type}`,
    title: problem.title,
    status: problem.status,
    // guard: fixed-problems
    detail: problem.detail,
    field: problem.field,
    explanation: wasSent ? MAYBE_SENT : NOT_SENT,
    // guard: request-sent
    requestSent: wasSent ? 'maybe' : false,
    instance: `urn:uuid:${requestId}`,
    code,
  })
  const headers = [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'CDN-Cache-Control',
    'no-store',
    'X-Request-Id',
    requestId,
    ...extraHeaders(code),
    ...(retryAfter === null ? [] : ['Retry-After', String(retryAfter)]),
    ...ownCorsFields(readers),
  ]
  const { field, phrase } = problem
  const reason = field === null ? phrase : `${fieldName(field)}: ${phrase}`
  return { status: problem.status, reason, headers, body, closes: problem.closes }
}

function extraHeaders(code: ProblemCode): string[] {
  switch (code) {
    case 'missing_credentials':
      return ['WWW-Authenticate', 'Bearer']
    case 'invalid_credentials':
      // RFC 6750 section 3.1: an error code only when a token was sent.
      return ['WWW-Authenticate', 'Bearer error="invalid_token"']
    case 'method_not_allowed':
      return ['Allow', ALLOWED_METHODS]
    default:
      return []
  }
}

/** `x-tenant-id` → `X-Tenant-Id`. */
function fieldName(field: string): string {
  return field.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

/**
 * What the operations listener answers when it does not do what was asked, the admin API above all: problem details
 * (RFC 9457) in the shape of the public listener's, from a table of its own. Nothing of the request is ever echoed.
 */
import type { FastifyReply } from 'fastify'

export interface AdminProblem {
  readonly status: number
  readonly type: string
  readonly title: string
  readonly detail: string
  readonly field: string | null
}

const JSON_WANTED = 'send application/json of at most 4 KiB, as docs/admin.md shows'

export const ADMIN_PROBLEMS = {
  missing_credentials: {
    status: 401,
    type: 'missing-credentials',
    title: 'Credentials required',
    detail: 'send the operator’s token: Authorization: Bearer <ops.adminToken>',
    field: 'authorization',
  },
  invalid_credentials: {
    status: 401,
    type: 'missing-credentials',
    title: 'Credentials not valid',
    detail: 'the token is not the one in ops.adminToken',
    field: 'authorization',
  },
  not_found: {
    status: 404,
    type: 'not-found',
    title: 'No such call',
    detail: 'the admin API has no such method and path; see docs/admin.md',
    field: 'path',
  },
  invalid_request: {
    status: 400,
    type: 'invalid-request',
    title: 'Invalid request',
    detail: JSON_WANTED,
    field: 'content',
  },
  content_too_large: {
    status: 413,
    type: 'content-too-large',
    title: 'Content too large',
    detail: JSON_WANTED,
    field: 'content',
  },
  unsupported_media_type: {
    status: 415,
    type: 'unsupported-media-type',
    title: 'Unsupported media type',
    detail: JSON_WANTED,
    field: 'content-type',
  },
  host_not_allowed: {
    status: 421,
    type: 'host-not-allowed',
    title: 'Not the name of this listener',
    detail:
      'the operations listener answers requests for localhost, 127.0.0.1 and [::1], and for the names in ops.hosts: to use another name, add it there',
    field: 'host',
  },
  foreign_page: {
    status: 403,
    type: 'foreign-page',
    title: 'Asked for by a page of another site',
    detail:
      'a browser sent this for a page that does not come from here (sec-fetch-site); open /dashboard itself, at its own address or at one in ops.hosts',
    field: 'sec-fetch-site',
  },
  too_many_streams: {
    status: 503,
    type: 'too-many-streams',
    title: 'Too many dashboards are open',
    detail:
      'all places for event streams are taken by streams that bring ops.adminToken; close one',
    field: null,
  },
  internal_error: {
    status: 500,
    type: 'internal-error',
    title: 'Internal error',
    detail: 'something went wrong here; the log has the details under the request id',
    field: null,
  },
} as const satisfies Record<string, AdminProblem>

export type AdminProblemCode = keyof typeof ADMIN_PROBLEMS

/**
 * @param requestId a UUID
 * @param detail says more than the table's, where a call knows better what is wanted
 */
export function adminProblemBody(code: AdminProblemCode, requestId: string, detail?: string) {
  const problem: AdminProblem = ADMIN_PROBLEMS[code]
  return {
    type: `urn:layby:problem:${problem.type}`,
    title: problem.title,
    status: problem.status,
    detail: detail ?? problem.detail,
    field: problem.field,
    explanation:
      code === 'internal_error' ? 'It may have been done in part.' : 'Nothing was changed.',
    instance: `urn:uuid:${requestId}`,
    code,
  }
}

/** Answers with a problem from the table, on any path of the listener. */
export function sendOpsProblem(
  reply: FastifyReply,
  requestId: string,
  code: AdminProblemCode,
): FastifyReply {
  const body = adminProblemBody(code, requestId)
  reply.header('X-Request-Id', requestId).header('Cache-Control', 'no-store')
  return reply.code(body.status).type('application/problem+json').send(body)
}

/**
 * What the admin API answers when it does not do what was asked: problem details (RFC 9457) in the shape of
 * the public listener's, from a table of its own. Nothing of the request is ever echoed.
 */
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

/** What a call of the admin API is made of. One file a call; `admin.ts` does what all have in common. */
import type { FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'

/** Names of ECS where it has one, and values that may be logged: nothing secret. */
export type AuditFacts = Readonly<Record<string, string>>

export interface AdminReply {
  readonly status: 200 | 202
  readonly body: object
  /** What came of it, for the audit line. */
  readonly facts?: AuditFacts
}

export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below `/admin`, with a slash first. */
  readonly path: string
  /** What the audit line calls it. */
  readonly action: string
  /** A schema's `description` is what a request that does not fit is answered with. */
  readonly schema: {
    readonly body?: TSchema
    readonly querystring?: TSchema
    readonly params?: TSchema
  }
  /** What was asked, for the audit line. The request has passed the schemas. */
  readonly asked: (request: FastifyRequest) => AuditFacts
  readonly handle: (request: FastifyRequest) => Promise<AdminReply>
}

/**
 * The admin API, below `/admin` on the operations listener: who may call (`admin-gate.ts`), what a request must
 * look like, what is answered when it does not, and one audit line for every call. What the calls do is in a
 * file for each (`admin-route.ts`). Without a token it is not there at all.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Clock } from '../lib/clock.ts'
import { faultFields } from '../lib/fault-fields.ts'
import type { Logger } from '../lib/logger.ts'
import { AdminGate } from './admin-gate.ts'
import { type AdminProblemCode, adminProblemBody } from './admin-problems.ts'
import type { AdminRoute, AuditFacts } from './admin-route.ts'

export interface AdminDependencies {
  /** Of at least 16 characters (configuration rule). */
  readonly token: string
  readonly clock: Clock
  readonly log: Logger
  readonly routes: readonly AdminRoute[]
}

/** Longest content of a call. Bytes. */
const MAX_BODY_BYTES = 4_096

/** A request that does not fit its schema; the message says what would. */
class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch'
}

export async function addAdmin(fastify: FastifyInstance, deps: AdminDependencies): Promise<void> {
  const gate = new AdminGate(deps.token, deps.clock)
  const audit = new Audit(deps.log)
  await fastify.register(
    async (admin) => {
      admin.setValidatorCompiler(({ schema }) => validator(schema as TSchema))
      admin.addHook('onRequest', async (request, reply) => {
        reply.header('X-Request-Id', request.id).header('Cache-Control', 'no-store')
        const admittance = gate.judge(request.headers.authorization)
        if (admittance === 'admitted') return
        const unlogged = gate.refused()
        if (unlogged !== null) audit.refused(request, unlogged)
        await refuse(reply, request, admittance)
      })
      admin.addHook('onResponse', async (request, reply) => {
        if (reply.statusCode !== 401) audit.answered(request, reply.statusCode)
      })
      admin.setNotFoundHandler((request, reply) => refuse(reply, request, 'not_found'))
      admin.setErrorHandler<FastifyError>((error, request, reply) => {
        const code = codeOf(error)
        if (code === 'internal_error') audit.faulted(request, error)
        const detail = error instanceof SchemaMismatch ? error.message : undefined
        return refuse(reply, request, code, detail)
      })
      for (const route of deps.routes) addRoute(admin, route, audit)
    },
    { prefix: '/admin' },
  )
}

function addRoute(admin: FastifyInstance, route: AdminRoute, audit: Audit): void {
  const { method, path: url, action, schema } = route
  admin.route({
    method,
    url,
    schema,
    bodyLimit: MAX_BODY_BYTES,
    handler: async (request, reply) => {
      audit.note(request, { 'event.action': action, ...route.asked(request) })
      const { status, body, facts } = await route.handle(request)
      if (facts !== undefined) audit.note(request, facts)
      return reply.code(status).send(body)
    },
  })
}

/** Strict: nothing is coerced, filled in or left out, as Fastify's own validator would. */
function validator(schema: TSchema): (value: unknown) => { value: unknown } | { error: Error } {
  const compiled = Compile(schema)
  const { description } = schema as { readonly description?: string }
  return (value) =>
    compiled.Check(value) ? { value } : { error: new SchemaMismatch(description ?? '') }
}

function codeOf({ statusCode }: FastifyError): AdminProblemCode {
  if (statusCode === 413) return 'content_too_large'
  if (statusCode === 415) return 'unsupported_media_type'
  const isTheirs = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  return isTheirs ? 'invalid_request' : 'internal_error'
}

function refuse(
  reply: FastifyReply,
  request: FastifyRequest,
  code: AdminProblemCode,
  detail?: string,
): FastifyReply {
  const body = adminProblemBody(code, request.id, detail)
  if (code === 'missing_credentials') reply.header('WWW-Authenticate', 'Bearer')
  // RFC 6750 section 3.1: an error code only when a token was sent.
  if (code === 'invalid_credentials')
    reply.header('WWW-Authenticate', 'Bearer error="invalid_token"')
  return reply.code(body.status).type('application/problem+json').send(body)
}

/**
 * One line for each call that had the token, whatever came of it: what was asked and how it ended. Who asked is
 * not known: all operators have one token, and addresses are not logged.
 */
class Audit {
  readonly #log: Logger
  readonly #facts = new WeakMap<FastifyRequest, AuditFacts>()

  constructor(log: Logger) {
    // An audit line is not a matter of verbosity: it is left out only where nothing at all is logged.
    const level = log.level === 'silent' ? 'silent' : 'info'
    this.#log = log.child({ 'event.dataset': 'layby.audit' }, { level })
  }

  note(request: FastifyRequest, facts: AuditFacts): void {
    this.#facts.set(request, { ...this.#facts.get(request), ...facts })
  }

  answered(request: FastifyRequest, status: number): void {
    // guard: audit-line
    this.#log.info({ ...this.#base(request, status), ...this.#facts.get(request) }, 'admin call')
  }

  refused(request: FastifyRequest, unlogged: number): void {
    this.#log.warn({ ...this.#base(request, 401), unlogged }, 'admin call refused')
  }

  faulted(request: FastifyRequest, error: Error): void {
    const fields = { 'http.request.id': request.id, ...faultFields(error) }
    this.#log.error(fields, 'internal error')
  }

  #base(request: FastifyRequest, status: number): Record<string, string | number> {
    return {
      'http.request.id': request.id,
      'http.request.method': request.method,
      'http.response.status_code': status,
      'event.kind': 'event',
      'event.category': 'configuration',
      'event.outcome': status < 400 ? 'success' : 'failure',
    }
  }
}

/**
 * The operations listener as commands see it: one method a call, each with a deadline, each answer checked
 * before it is believed. A token is sent once it is known that an operations listener answers. What goes wrong is one line
 * that says what to look at.
 */
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Snapshot } from '../ops/snapshot.ts'
import { EXIT, type Failure, type Result } from './exit-codes.ts'
import { type ExplainQuery, Explanation } from './explanation-reply.ts'
import type { OpsTarget } from './ops-target.ts'
import { type PortReply, portKind, wrongPort } from './port-check.ts'
import { printable } from './printable.ts'
import { CredentialReply, PurgeReply, type PurgeRequest, TenantsReply } from './replies.ts'
import { SnapshotReply } from './snapshot-reply.ts'

interface Call<T extends TSchema> {
  readonly method: 'GET' | 'POST'
  /** Its query is encoded. */
  readonly path: string
  readonly body?: unknown
  readonly reply: T
}

interface Reply extends PortReply {
  readonly text: string
}

export class AdminClient {
  readonly #target: OpsTarget
  /** An operations listener has answered. */
  #isChecked = false

  constructor(target: OpsTarget) {
    this.#target = target
  }

  purge(body: PurgeRequest): Promise<Result<PurgeReply>> {
    return this.#admin({ method: 'POST', path: '/admin/purge', body, reply: PurgeReply })
  }

  /** The keyed hash under which the instance knows a token. */
  credential(token: string): Promise<Result<CredentialReply>> {
    const body = { token }
    return this.#admin({ method: 'POST', path: '/admin/credential', body, reply: CredentialReply })
  }

  tenants(top: number): Promise<Result<TenantsReply>> {
    return this.#admin({ method: 'GET', path: `/admin/tenants?top=${top}`, reply: TenantsReply })
  }

  /** What the next read of a credential would be answered with, and why. */
  explain(query: ExplainQuery): Promise<Result<Explanation>> {
    const path = `/admin/explain?${new URLSearchParams({ ...query })}`
    return this.#admin({ method: 'GET', path, reply: Explanation })
  }

  /** Needs no token, and is sent none. */
  snapshot(cancelled?: AbortSignal): Promise<Result<Snapshot>> {
    return this.#call(
      { method: 'GET', path: '/dashboard/snapshot', reply: SnapshotReply },
      {},
      cancelled,
    )
  }

  async #admin<T extends TSchema>(call: Call<T>): Promise<Result<Static<T>>> {
    const { token } = this.#target
    if (token === null) {
      const line =
        'configuration: ops.adminToken: is required here: set LAYBY_OPS_ADMIN_TOKEN to the token of the instance'
      return { failure: { exitCode: EXIT.configuration, line } }
    }
    // guard: token-after-port
    const failure = await this.#checkPort()
    if (failure !== null) return { failure }
    return this.#call(call, { authorization: `Bearer ${token}` })
  }

  /** Null: a token may be sent there. */
  async #checkPort(): Promise<Failure | null> {
    if (this.#isChecked) return null
    const { base } = this.#target
    const reply = await this.#fetch({ method: 'GET', path: '/' }, {})
    if ('failure' in reply) return reply.failure
    const { status, text } = reply.value
    const kind = portKind(reply.value)
    if (kind === 'operations') {
      this.#isChecked = true
      return null
    }
    return kind === 'refusing' ? refused(base, '/', status, text) : wrongPort(base, kind, status)
  }

  async #call<T extends TSchema>(
    call: Call<T>,
    headers: Record<string, string>,
    cancelled?: AbortSignal,
  ): Promise<Result<Static<T>>> {
    const { base } = this.#target
    const reply = await this.#fetch(call, headers, cancelled)
    if ('failure' in reply) return reply
    const { status, text, content } = reply.value
    if (status < 200 || status > 299) {
      const isPublic = portKind(reply.value) === 'public' && !call.path.startsWith('/admin/')
      const failure = isPublic
        ? wrongPort(base, 'public', status)
        : refused(base, call.path, status, text)
      return { failure }
    }
    if (Value.Check(call.reply, content)) return { value: content as Static<T> }
    const line = `${base} answered what this version does not understand: is it the operations port, and of a Layby of this version (layby --version)?`
    return { failure: { exitCode: EXIT.fault, line } }
  }

  async #fetch(
    { method, path, body }: Omit<Call<TSchema>, 'reply'>,
    headers: Record<string, string>,
    cancelled?: AbortSignal,
  ): Promise<Result<Reply>> {
    const { base, timeoutMs } = this.#target
    try {
      const response = await fetch(base + path, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        // A token is sent to the one who was named, and nowhere else.
        // guard: no-redirect-of-token
        redirect: 'manual',
        signal: AbortSignal.any([
          AbortSignal.timeout(timeoutMs),
          ...(cancelled ? [cancelled] : []),
        ]),
      })
      const text = await response.text()
      const cacheStatus = response.headers.get('cache-status')
      return { value: { status: response.status, cacheStatus, text, content: parsed(text) } }
    } catch (error) {
      return { failure: unreachable(base, timeoutMs, error) }
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Codes of the system → what to look at. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is Layby running, and is this its ops.host and ops.port?',
  ENOTFOUND: 'no such host: is the name right?',
  EAI_AGAIN: 'the name could not be looked up: is DNS reachable?',
  ECONNRESET: 'the connection was cut: is this the operations port, and is it plain HTTP?',
  UND_ERR_SOCKET: 'the connection was cut: is this the operations port, and is it plain HTTP?',
  EHOSTUNREACH: 'no way to that host: is it up, and does a firewall stand between?',
  ENETUNREACH: 'no way to that network: are you connected to it?',
}

function adviceOf(code: string): string {
  // Of OpenSSL there are many.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return 'it does not speak TLS as this command does: is it plain HTTP (http://)?'
  }
  return ADVICE[code] ?? 'the connection failed'
}

function unreachable(base: string, timeoutMs: number, error: unknown): Failure {
  const { name, cause } = error as { readonly name?: string; readonly cause?: unknown }
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? 'no code')
  const reason =
    name === 'TimeoutError'
      ? `no answer within ${timeoutMs} ms (--timeout-ms)`
      : `${adviceOf(code)} (${code})`
  return { exitCode: EXIT.unreachable, line: `can't reach ${base}: ${reason}` }
}

function refused(base: string, path: string, status: number, text: string): Failure {
  const failure = (line: string): Failure => ({ exitCode: EXIT.fault, line })
  if (status === 401) {
    return failure(
      `${base} does not accept the token (401): LAYBY_OPS_ADMIN_TOKEN must be what the instance has in ops.adminToken`,
    )
  }
  if (status === 404 && path.startsWith('/admin/')) {
    return failure(
      `${base} has no ${path.replace(/\?.*/, '')} (404): an instance without ops.adminToken has no admin API`,
    )
  }
  const { detail } = (parsed(text) ?? {}) as { readonly detail?: unknown }
  const reason = typeof detail === 'string' ? `: ${printable(detail)}` : ''
  return failure(`${base} refused (${status})${reason}`)
}

/**
 * From the error that a call to the upstream has ended with to its cause, in the closed vocabulary of `UpstreamCause`.
 * Pure. What is reported of an error is its code, its class and what OpenSSL or
 * the parser of HTTP objects to: messages name addresses.
 */
import { errors } from 'undici'
import type { FailedCall, UpstreamCause } from '../cache/ports.ts'
import { isTlsCode } from './faults.ts'
import { BrokenBody, ImpossibleStatus, Overdue, UnknownCoding } from './given-up.ts'

/** How far the call had come: a connection is being made, the request is sent, or its answer has begun. */
export type CallStage = 'connecting' | 'sent' | 'answering'

const BY_CODE: Readonly<Record<string, UpstreamCause>> = {
  ECONNREFUSED: 'refused',
  ENODATA: 'dns',
  ENOTFOUND: 'dns',
  ESERVFAIL: 'dns',
  EHOSTDOWN: 'no-route',
  EHOSTUNREACH: 'no-route',
  ENETDOWN: 'no-route',
  ENETUNREACH: 'no-route',
  EACCES: 'local',
  EADDRINUSE: 'local',
  EADDRNOTAVAIL: 'local',
  EINVAL: 'local',
  EMFILE: 'local',
  ENFILE: 'local',
  ENOBUFS: 'local',
  ENOMEM: 'local',
  EPERM: 'local',
  EPROTO: 'tls',
  ERR_ASSERTION: 'bad-http',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'connect-timeout',
  UND_ERR_BODY_TIMEOUT: 'body-timeout',
  UND_ERR_CLOSED: 'stopping',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_DESTROYED: 'stopping',
  UND_ERR_HEADERS_OVERFLOW: 'bad-http',
  UND_ERR_HEADERS_TIMEOUT: 'headers-timeout',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad-http',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'bad-http',
}

export function causeOf(error: unknown, stage: CallStage): UpstreamCause {
  if (error instanceof Overdue) return 'total-timeout'
  if (error instanceof ImpossibleStatus || error instanceof UnknownCoding) return 'bad-http'
  if (error instanceof BrokenBody) return 'truncated'
  const { code, syscall } = error as NodeJS.ErrnoException
  const known = typeof code === 'string' ? causeOfCode(code) : null
  if (known !== null) return known
  if (error instanceof errors.HTTPParserError) return 'bad-http'
  return causeOfEnd(code, syscall, stage)
}

function causeOfCode(code: string): UpstreamCause | null {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code] ?? null
  if (code.startsWith('EAI_')) return 'dns'
  if (code === 'HPE_INVALID_EOF_STATE') return null
  if (code.startsWith('HPE_')) return 'bad-http'
  return isTlsCode(code) ? 'tls' : null
}

/** The connection has ended, and the stage says what that means. */
function causeOfEnd(
  code: string | undefined,
  syscall: string | undefined,
  stage: CallStage,
): UpstreamCause {
  if (stage === 'answering') return 'truncated'
  if (stage === 'sent') return 'reset'
  if (code === 'ETIMEDOUT') return 'connect-timeout'
  // A connection that is there, and on which nothing was sent so far: what was under way on it is a handshake.
  return syscall === 'connect' ? 'reset' : 'tls'
}

export function failedCall(
  error: unknown,
  cause: UpstreamCause,
  requestId: string | null,
): FailedCall {
  const code = codeOf(error)
  const type = error instanceof Error ? error.name : typeof error
  return { cause, code, type, reason: reasonOf(error, cause), requestId }
}

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
/** Texts of OpenSSL and of the parser of HTTP have no other characters, and name nothing of ours or of the upstream's. */
const REASON = /^[A-Za-z][A-Za-z0-9 ()/,_-]{1,79}$/
const PARSER_REASON = /\(([^()]{1,80})\)$/

function codeOf(error: unknown): string | null {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && CODE.test(code) ? code : null
}

function reasonOf(error: unknown, cause: UpstreamCause): string | null {
  const text = cause === 'tls' ? tlsReasonOf(error) : parserReasonOf(error)
  return typeof text === 'string' && REASON.test(text) ? text : null
}

function parserReasonOf(error: unknown): string | undefined {
  if (!(error instanceof errors.HTTPParserError)) return undefined
  return PARSER_REASON.exec(error.message)?.[1]
}

/** Node's own texts name the host that was asked for, and the names that the certificate has. */
function tlsReasonOf(error: unknown): unknown {
  const { code, reason, message } = error as {
    readonly code?: string
    readonly reason?: unknown
    readonly message?: unknown
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'the certificate is for another name'
  if (code === undefined || !isTlsCode(code)) return 'the connection ended within the handshake'
  return reason ?? message
}

/**
 * Whose fault it is when a call to the upstream ends with an error. By closed sets of what undici, sockets, name
 * look-ups and TLS say; whatever is not in them is a fault of our own. A call can end with one of those as well: what a
 * callback of ours throws while an answer comes in, undici gives back as the call's error.
 */
import { errors } from 'undici'
import type { UpstreamCause } from '../cache/ports.ts'
import { BrokenBody, ImpossibleStatus, Overdue, UnknownCoding } from './given-up.ts'

/** As `UpstreamFailure` has it. */
export type FaultKind = 'timeout' | 'unreachable'

/** A call has failed, and not by a fault of our own. Made where the call ends, so that no other error is taken for one. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed'
  readonly kind: FaultKind
  /** What undici or the connection said. */
  readonly reason: unknown
  readonly why: UpstreamCause

  constructor(kind: FaultKind, reason: unknown, why: UpstreamCause) {
    super('the call to the upstream has failed')
    this.kind = kind
    this.reason = reason
    this.why = why
  }
}

/** Of undici: late. */
const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** Of undici: the connection, or what came by it. What it says of arguments and of our own content is not among them. */
const UNDICI_FAULTS: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_INFO',
  'UND_ERR_ABORTED',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  // The pool is closed as the process ends: nobody's fault, and no answer.
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])

/** Of the system, for a name, a connection, a read or a write; and what Node says of a socket's end in its place. */
const SOCKET_FAULTS: ReadonlySet<string> = new Set([
  ...['ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EPROTO', 'ETIMEDOUT'],
  ...['EHOSTDOWN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETRESET', 'ENETUNREACH', 'ENOTCONN'],
  ...['ENODATA', 'ENOTFOUND', 'ESERVFAIL'],
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
])

/**
 * Of the system, where a connection can't be made for want of something here: no descriptor, port, memory or permission.
 * Nobody has made a mistake, and the upstream can't be reached. Of a file they would be another matter.
 */
const CONNECT_FAULTS: ReadonlySet<string> = new Set([
  ...['EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'EINVAL', 'EMFILE', 'ENFILE'],
  ...['ENOBUFS', 'ENOMEM', 'EPERM'],
])
const CONNECT_CALLS: ReadonlySet<string> = new Set(['connect', 'getaddrinfo', 'socket'])

/** OpenSSL's names of what is wrong with a certificate (`X509_V_ERR_*`), and Node's of what it checks itself. */
const CERTIFICATE_FAULTS: ReadonlySet<string> = new Set([
  ...['CERT_CHAIN_TOO_LONG', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REJECTED'],
  ...['CERT_REVOKED', 'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED', 'CRL_HAS_EXPIRED'],
  ...['CRL_NOT_YET_VALID', 'CRL_SIGNATURE_FAILURE', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ...['ERROR_IN_CERT_NOT_AFTER_FIELD', 'ERROR_IN_CERT_NOT_BEFORE_FIELD'],
  ...['ERROR_IN_CRL_LAST_UPDATE_FIELD', 'ERROR_IN_CRL_NEXT_UPDATE_FIELD', 'HOSTNAME_MISMATCH'],
  ...['INVALID_CA', 'INVALID_PURPOSE', 'PATH_LENGTH_EXCEEDED', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'UNABLE_TO_DECRYPT_CERT_SIGNATURE'],
  ...['UNABLE_TO_DECRYPT_CRL_SIGNATURE', 'UNABLE_TO_GET_CRL', 'UNABLE_TO_GET_ISSUER_CERT'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNSPECIFIED'],
  ...['ERR_TLS_CERT_ALTNAME_FORMAT', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ...['ERR_TLS_CERT_SIGNATURE_ALGORITHM_UNSUPPORTED', 'ERR_TLS_DH_PARAM_SIZE'],
  'ERR_TLS_HANDSHAKE_TIMEOUT',
])
/** Families of codes: of look-ups, of the parser of HTTP, and OpenSSL's of the handshake and of records. */
const FAMILIES = ['EAI_', 'HPE_', 'ERR_SSL_']

/** undici asserts what it expects of an answer; nothing of ours asserts. */
const ASSERTION = 'ERR_ASSERTION'

/** These are thrown by code, whatever code they bring. */
const THROWN = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError]

/** The answer breaks HTTP, or breaks off. */
const INVALID_ANSWERS = [errors.HTTPParserError, ImpossibleStatus, UnknownCoding, BrokenBody]

/** @returns null: a fault of our own */
export function upstreamFault(error: unknown): FaultKind | null {
  if (error instanceof Overdue) return 'timeout'
  if (!(error instanceof Error) || THROWN.some((Thrown) => error instanceof Thrown)) return null
  if (INVALID_ANSWERS.some((Invalid) => error instanceof Invalid)) return 'unreachable'
  const { code, syscall } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return null
  if (error instanceof errors.UndiciError) {
    if (TIMEOUTS.has(code)) return 'timeout'
    return UNDICI_FAULTS.has(code) ? 'unreachable' : null
  }
  // guard: closed-faults
  return isConnectionFault(code, syscall) ? 'unreachable' : null
}

/** Whether a handshake, a certificate or a record of TLS is at fault. */
export function isTlsCode(code: string): boolean {
  return CERTIFICATE_FAULTS.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
}

function isConnectionFault(code: string, syscall: string | undefined): boolean {
  if (code === ASSERTION || SOCKET_FAULTS.has(code) || CERTIFICATE_FAULTS.has(code)) return true
  if (FAMILIES.some((family) => code.startsWith(family))) return true
  return syscall !== undefined && CONNECT_CALLS.has(syscall) && CONNECT_FAULTS.has(code)
}

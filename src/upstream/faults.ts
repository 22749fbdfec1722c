/**
 * What an error of a call to the upstream says: that the upstream, or the way to it, has failed; or that we have.
 * A fault of our own is no outage: it must not open the breaker, nor be covered by a stale copy, nor go unseen.
 */
import type { UpstreamFailure } from '../cache/ports.ts'
import { Overdue } from './answer-deadlines.ts'

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/**
 * Of undici: what it says of a connection or of an answer. What it says of how it was called (`INVALID_ARG`,
 * `NOT_SUPPORTED`, `REQ_CONTENT_LENGTH_MISMATCH` …) is ours. `CLOSED` and `DESTROYED` come of the end of the process.
 */
const OF_UNDICI: ReadonlySet<string> = new Set([
  ...TIMEOUTS,
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_INFO',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'UND_ERR_SOCKET',
])

/** Of sockets, and of looking up names (Node.js, "Common system errors" and `dns`). */
const OF_THE_SYSTEM: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODATA',
  'ENOTCONN',
  'ENOTFOUND',
  'EPIPE',
  'EPROTO',
  'ESERVFAIL',
  'ETIMEDOUT',
])

/** Of certificates that did not verify (Node.js, "X509 certificate error codes"). */
const OF_CERTIFICATES: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** undici asserts what it expects of an answer (a status of 100 or more, say); nothing of ours asserts. */
const ASSERTION = 'ERR_ASSERTION'

/** Families of codes: of the HTTP parser, of OpenSSL, of looking up names. */
const FAMILIES = ['HPE_', 'ERR_SSL_', 'EAI_']

/** Whether the upstream, or the way to it, has failed. Everything else is a fault of our own. */
export function isUpstreamFault(error: unknown): boolean {
  if (error instanceof Overdue) return true
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown }
  if (name === 'HTTPParserError') return true
  if (typeof code !== 'string') return false
  if (
    code === ASSERTION ||
    OF_UNDICI.has(code) ||
    OF_THE_SYSTEM.has(code) ||
    OF_CERTIFICATES.has(code)
  )
    return true
  return FAMILIES.some((family) => code.startsWith(family))
}

/** What went wrong, as far as a client may know. To be asked of faults of the upstream. */
export function failureOf(error: unknown): UpstreamFailure {
  const { code } = Object(error) as { readonly code?: unknown }
  const timedOut = error instanceof Overdue || (typeof code === 'string' && TIMEOUTS.has(code))
  return { kind: timedOut ? 'timeout' : 'unreachable' }
}

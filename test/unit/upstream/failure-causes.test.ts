import { AssertionError } from 'node:assert'
import t from 'tap'
import { errors } from 'undici'
import type { UpstreamCause } from '../../../src/cache/ports.ts'
import { UPSTREAM_CAUSES } from '../../../src/ops/vocabularies.ts'
import { type CallStage, causeOf, failedCall } from '../../../src/upstream/failure-causes.ts'
import { upstreamFault } from '../../../src/upstream/faults.ts'
import {
  BrokenBody,
  ImpossibleStatus,
  Overdue,
  UnknownCoding,
} from '../../../src/upstream/given-up.ts'

const system = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code} 10.0.0.7:443`), { code, syscall, errno: -1 })
const coded = (code: string): Error => Object.assign(new Error('a'), { code })

const TABLE: readonly (readonly [unknown, CallStage, UpstreamCause])[] = [
  [system('ENOTFOUND', 'getaddrinfo'), 'connecting', 'dns'],
  [system('EAI_AGAIN', 'getaddrinfo'), 'connecting', 'dns'],
  [system('ECONNREFUSED', 'connect'), 'connecting', 'refused'],
  [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'connecting', 'refused'],
  [system('EHOSTUNREACH', 'connect'), 'connecting', 'no-route'],
  [system('ENETUNREACH', 'connect'), 'connecting', 'no-route'],
  [system('EMFILE', 'connect'), 'connecting', 'local'],
  [system('EADDRNOTAVAIL', 'connect'), 'connecting', 'local'],
  [new errors.ConnectTimeoutError(), 'connecting', 'connect-timeout'],
  [system('ETIMEDOUT', 'connect'), 'connecting', 'connect-timeout'],
  [system('ECONNRESET', 'connect'), 'connecting', 'reset'],
  [system('ECONNRESET', 'read'), 'connecting', 'tls'],
  [coded('ECONNRESET'), 'connecting', 'tls'],
  [system('EPROTO', 'write'), 'connecting', 'tls'],
  [coded('CERT_HAS_EXPIRED'), 'connecting', 'tls'],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'connecting', 'tls'],
  [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'connecting', 'tls'],
  [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'sent', 'tls'],
  [system('ECONNRESET', 'read'), 'sent', 'reset'],
  [system('ECONNABORTED', 'read'), 'sent', 'reset'],
  [system('ETIMEDOUT', 'read'), 'sent', 'reset'],
  [system('EPIPE', 'write'), 'sent', 'reset'],
  [new errors.SocketError('other side closed'), 'sent', 'reset'],
  [new errors.SocketError('other side closed'), 'answering', 'truncated'],
  [coded('HPE_INVALID_EOF_STATE'), 'answering', 'truncated'],
  [new BrokenBody(), 'answering', 'truncated'],
  [coded('HPE_INVALID_CONSTANT'), 'sent', 'bad-http'],
  [new errors.HTTPParserError('a'), 'sent', 'bad-http'],
  [new errors.HeadersOverflowError(), 'sent', 'bad-http'],
  [new errors.ResponseContentLengthMismatchError(), 'answering', 'bad-http'],
  [new AssertionError({ message: 'a' }), 'sent', 'bad-http'],
  [new ImpossibleStatus(), 'sent', 'bad-http'],
  [new UnknownCoding(), 'sent', 'bad-http'],
  [new errors.HeadersTimeoutError(), 'sent', 'headers-timeout'],
  [new errors.BodyTimeoutError(), 'answering', 'body-timeout'],
  [new Overdue(), 'connecting', 'total-timeout'],
  [new Overdue(), 'answering', 'total-timeout'],
  [new errors.ClientDestroyedError(), 'sent', 'stopping'],
  [new errors.ClientClosedError(), 'connecting', 'stopping'],
]

t.test('each error of a call has its cause, by its code and by how far the call had come', (t) => {
  for (const [error, stage, cause] of TABLE) {
    const { code, name } = error as NodeJS.ErrnoException
    t.equal(causeOf(error, stage), cause, `${name} ${code} ${stage}`)
    t.not(upstreamFault(error), null, 'it is the upstream’s')
  }
  const reached = new Set(TABLE.map(([, , cause]) => cause))
  const words = Object.keys(UPSTREAM_CAUSES).filter((word) => word !== 'queue-timeout')
  t.strictSame(
    words.filter((word) => !reached.has(word as UpstreamCause)),
    [],
  )
  t.end()
})

t.test('what is reported of an error names no address', (t) => {
  const altname = Object.assign(
    new Error("Hostname/IP does not match: Host: db.internal. is not in the cert's altnames"),
    {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      reason: 'Host: db.internal. is not in: DNS:b.internal',
    },
  )
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  const alert = Object.assign(new Error('C0:error:0A00010B:SSL routines::10.0.0.7'), {
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    reason: 'wrong version number',
  })
  const socket = Object.assign(new Error('read ECONNRESET 10.0.0.7:443'), { code: 'ECONNRESET' })
  const foreign = Object.assign(new Error('a'), { code: 'db.internal:443' })
  const told = (error: Error): string | null => failedCall(error, 'tls', 'an-id').reason
  t.equal(told(altname), 'the certificate is for another name')
  t.equal(told(expired), 'certificate has expired')
  t.equal(told(alert), 'wrong version number')
  t.equal(told(socket), 'the connection ended within the handshake')
  for (const error of [altname, expired, alert, socket, foreign]) {
    t.notMatch(JSON.stringify(failedCall(error, 'tls', 'an-id')), /10\.0\.0\.7|internal/)
  }
  t.equal(failedCall(expired, 'reset', null).reason, null)
  t.end()
})

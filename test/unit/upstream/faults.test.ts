/** Whose fault an error is: only what the upstream, or the way to it, has done counts as its failure. */
import t from 'tap'
import { errors } from 'undici'
import { Overdue } from '../../../src/upstream/answer-deadlines.ts'
import { failureOf, isUpstreamFault } from '../../../src/upstream/faults.ts'

const coded = (code: string): Error => Object.assign(new Error('x'), { code })

const THEIRS: readonly unknown[] = [
  new errors.SocketError('other side closed'),
  new errors.HeadersTimeoutError(),
  new errors.BodyTimeoutError(),
  new errors.ConnectTimeoutError(),
  new errors.HeadersOverflowError(),
  coded('HPE_INVALID_CONSTANT'),
  new errors.HTTPParserError('x'),
  new errors.ResponseContentLengthMismatchError(),
  new errors.InformationalError('reset'),
  new Overdue('head'),
  ...[
    'ERR_ASSERTION',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'EPROTO',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'SELF_SIGNED_CERT_IN_CHAIN',
  ].map(coded),
]

const OURS: readonly unknown[] = [
  new TypeError('x is not a function'),
  new RangeError('Maximum call stack size exceeded'),
  new errors.InvalidArgumentError('invalid header'),
  new errors.InvalidReturnValueError('x'),
  new errors.NotSupportedError('x'),
  new errors.RequestContentLengthMismatchError(),
  ...['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_CHAR', 'ERR_STREAM_WRITE_AFTER_END', 'ENOENT', ''].map(
    coded,
  ),
  Object.assign(new Error('x'), { code: 5 }),
  'a text',
  null,
  undefined,
]

t.test('what the upstream or the way to it has done is its fault', (t) => {
  for (const error of THEIRS) t.equal(isUpstreamFault(error), true, String(error))
  t.end()
})

t.test('everything else is ours', (t) => {
  for (const error of OURS) t.equal(isUpstreamFault(error), false, String(error))
  t.end()
})

t.test('a failure is a timeout or it is not, whatever was thrown', (t) => {
  const timeouts = [1, 2, 3, 9].map((i) => THEIRS[i])
  for (const error of timeouts) t.strictSame(failureOf(error), { kind: 'timeout' }, String(error))
  for (const error of [THEIRS[0], coded('ECONNREFUSED'), null]) {
    t.strictSame(failureOf(error), { kind: 'unreachable' })
  }
  t.end()
})

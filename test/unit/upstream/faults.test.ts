import { AssertionError } from 'node:assert'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import t from 'tap'
import { errors, request } from 'undici'
import { type FaultKind, upstreamFault } from '../../../src/upstream/faults.ts'
import { ImpossibleStatus, Overdue } from '../../../src/upstream/given-up.ts'
import { startRawUpstream } from '../../helpers/raw-socket.ts'

const system = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -1 })
const coded = (code: string): Error => Object.assign(new Error('a'), { code })

const TABLE: readonly (readonly [error: unknown, kind: FaultKind | null])[] = [
  [new Overdue(), 'timeout'],
  [new ImpossibleStatus(), 'unreachable'],
  [new errors.HeadersTimeoutError(), 'timeout'],
  [new errors.BodyTimeoutError(), 'timeout'],
  [new errors.ConnectTimeoutError(), 'timeout'],
  [new errors.SocketError('closed'), 'unreachable'],
  [new errors.InformationalError('reset'), 'unreachable'],
  [new errors.HeadersOverflowError(), 'unreachable'],
  [new errors.ResponseContentLengthMismatchError(), 'unreachable'],
  [new errors.ResponseExceededMaxSizeError(), 'unreachable'],
  [new errors.HTTPParserError('a'), 'unreachable'],
  [new errors.ClientClosedError(), 'unreachable'],
  [new errors.ClientDestroyedError(), 'unreachable'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].map(
    (code) => [system(code, 'connect'), 'unreachable'] as const,
  ),
  [system('ECONNRESET', 'read'), 'unreachable'],
  [system('EPIPE', 'write'), 'unreachable'],
  [system('EPROTO', 'write'), 'unreachable'],
  [system('ENOTFOUND', 'getaddrinfo'), 'unreachable'],
  [system('EAI_AGAIN', 'getaddrinfo'), 'unreachable'],
  [system('EMFILE', 'connect'), 'unreachable'],
  [system('EADDRNOTAVAIL', 'connect'), 'unreachable'],
  [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'unreachable'],
  [coded('ECONNRESET'), 'unreachable'],
  [coded('CERT_HAS_EXPIRED'), 'unreachable'],
  [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unreachable'],
  [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'unreachable'],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'unreachable'],
  [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'unreachable'],
  [coded('HPE_INVALID_CONSTANT'), 'unreachable'],
  [coded('ENODATA'), 'unreachable'],
  [new errors.RequestAbortedError(), 'unreachable'],
  [new AssertionError({ message: 'a' }), 'unreachable'],
  [new TypeError('a'), null],
  [new RangeError('a'), null],
  [Object.assign(new TypeError('a'), { code: 'ECONNRESET' }), null],
  [Object.assign(new TypeError('a'), { code: 'ERR_INVALID_ARG_TYPE' }), null],
  [Object.assign(new RangeError('a'), { code: 'ERR_OUT_OF_RANGE' }), null],
  [new Error('a'), null],
  [new AggregateError([coded('ECONNRESET')]), null],
  [new errors.InvalidArgumentError('a'), null],
  [new errors.InvalidReturnValueError('a'), null],
  [new errors.NotSupportedError('a'), null],
  [new errors.RequestContentLengthMismatchError(), null],
  [new errors.UndiciError('a'), null],
  [coded('UND_ERR_SOCKET'), null],
  [system('EMFILE', 'open'), null],
  [system('EACCES', 'open'), null],
  [system('ENOENT', 'open'), null],
  [coded('ERR_STREAM_PREMATURE_CLOSE'), null],
  [coded('ERR_INVALID_CHAR'), null],
  [coded(''), null],
  [coded('ERR_STREAM_WRITE_AFTER_END'), null],
  [coded('ERR_TLS_INVALID_CONTEXT'), null],
  [coded('FST_ERR_CTP_BODY_TOO_LARGE'), null],
  [coded('anything'), null],
  [Object.assign(new Error('a'), { code: 5 }), null],
  [{ code: 'ECONNRESET' }, null],
  ['ECONNRESET', null],
  [null, null],
  [undefined, null],
]

for (const [error, kind] of TABLE) {
  const { name = String(error), code = '' } = (error ?? {}) as { name?: string; code?: unknown }
  t.test(`${name} ${code} is ${kind ?? 'a fault of our own'}`, async (t) => {
    t.equal(upstreamFault(error), kind)
  })
}

const failureOf = (url: string): Promise<unknown> =>
  request(url, { headersTimeout: 2_000 }).then(
    ({ body }) => body.text().catch((error: unknown) => error),
    (error: unknown) => error,
  )

t.test('what comes of real connections is the upstream’s', async (t) => {
  const serving = async (bytes: string, isReset = false): Promise<string> => {
    const upstream = await startRawUpstream(t, async ({ socket, until }) => {
      await until((text) => text !== '')
      if (isReset) socket.resetAndDestroy()
      else socket.end(bytes)
    })
    return upstream.url
  }
  const urls = [
    'http://127.0.0.1:1',
    'http://name.invalid',
    await serving('', true),
    await serving(''),
    await serving('no HTTP\r\n\r\n'),
    await serving('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
    await serving('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'),
    await serving(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(100_000)}\r\n\r\n`),
    (await serving('no TLS')).replace('http:', 'https:'),
  ]
  for (const url of urls) {
    const error = await failureOf(url)
    t.equal(upstreamFault(error), 'unreachable', `${(error as Error).name} ${url}`)
  }
})

t.test('what comes of files and of arguments is ours', async (t) => {
  for (const fail of [
    () => readFileSync('/nowhere'),
    () => connect({ port: 99_999 }),
    () => Buffer.alloc(-1),
    () => (undefined as unknown as { a: { b: number } }).a.b,
    () => JSON.parse('{'),
  ]) {
    try {
      fail()
      t.fail('it throws')
    } catch (error) {
      t.equal(upstreamFault(error), null)
    }
  }
  const options = { method: 'no token' as 'GET' }
  const error: unknown = await request('http://127.0.0.1:1', options).catch((thrown) => thrown)
  t.match(error, { code: 'UND_ERR_INVALID_ARG' })
  t.equal(upstreamFault(error), null)
})

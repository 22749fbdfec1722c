/** Reliability section 3, row by row, over a raw socket. The decisions at its top beat its rows. */
import t, { type Test } from 'tap'
import { PROBLEMS, type ProblemCode } from '../../src/http/problems.ts'
import { buildTestApp, HEADERS, type TestApp, VERSION } from '../helpers/app.ts'
import { exchange, type RawReply, startWiretap, type Wiretap } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const MAX_REQUEST_BYTES = 4_096
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** In a payload: must be nowhere in the answer, the log, or what the upstream sees. */
const CANARY = 'zqcanaryqz'

const HOST = 'Host: layby.test'
const AUTHORIZATION = `Authorization: ${HEADERS.authorization}`
const TENANT = 'X-Tenant-Id: 7'
const API_VERSION = `X-Api-Version: ${VERSION}`
const BASE = [HOST, AUTHORIZATION, TENANT, API_VERSION]

/** A message: the given lines, an empty one, and content. */
function message(first: string, lines: readonly string[], content = ''): string {
  return `${[first, ...lines].join('\r\n')}\r\n\r\n${content}`
}

/** A valid read of a customer but for more lines. */
function read(...more: string[]): string {
  return message('GET /customers/1 HTTP/1.1', [...BASE, ...more])
}

/** A valid read but for its target. */
function target(path: string, method = 'GET'): string {
  return message(`${method} ${path} HTTP/1.1`, BASE)
}

/** A valid read with these lines in place of the tenant's. */
function tenant(...lines: string[]): string {
  return message('GET /customers/1 HTTP/1.1', [HOST, AUTHORIZATION, API_VERSION, ...lines])
}

/** A valid read with these lines in place of the credential's. */
function authorization(...lines: string[]): string {
  return message('GET /customers/1 HTTP/1.1', [HOST, TENANT, API_VERSION, ...lines])
}

const JSON_TYPE = 'Content-Type: application/json'
const CHUNKED = 'Transfer-Encoding: chunked'

function patch(lines: readonly string[], content: string): string {
  return message('PATCH /customers/1 HTTP/1.1', [...BASE, ...lines], content)
}

function sized(content: string, ...lines: string[]): string {
  return patch([`Content-Length: ${content.length}`, ...lines], content)
}

interface Refusal {
  readonly row: string
  readonly code: ProblemCode
  readonly payloads: Readonly<Record<string, string>>
  /** Names that the answer must have beside the usual ones. */
  readonly header?: readonly [name: string, value: string]
  /** For a row whose payloads carry content though the problem itself does not end the connection. */
  readonly closes?: true
}

const MALFORMED: readonly Refusal[] = [
  {
    row: 'V01 a length beside chunked',
    code: 'malformed_request',
    payloads: {
      'length first': patch(['Content-Length: 5', CHUNKED, JSON_TYPE], '0\r\n\r\n'),
    },
  },
  {
    row: 'V02 chunked beside a length',
    code: 'malformed_request',
    payloads: {
      'chunked first': patch([CHUNKED, 'Content-Length: 5', JSON_TYPE], '0\r\n\r\n'),
    },
  },
  {
    row: 'V03 two lengths',
    code: 'malformed_request',
    payloads: {
      equal: patch(['Content-Length: 2', 'Content-Length: 2', JSON_TYPE], '{}'),
      different: patch(['Content-Length: 2', 'Content-Length: 7', JSON_TYPE], '{}'),
      'other letter case': patch(['Content-Length: 2', 'CONTENT-LENGTH: 2', JSON_TYPE], '{}'),
      list: patch(['Content-Length: 2, 2', JSON_TYPE], '{}'),
    },
  },
  {
    row: 'V04 a length that is no decimal integer',
    code: 'malformed_request',
    payloads: Object.fromEntries(
      ['+1', '-1', '0x1', '1_0', '1 0', '', '18446744073709551616', '1;', '1.0', 'one'].map(
        (length) => [`"${length}"`, patch([`Content-Length: ${length}`, JSON_TYPE], '{}')],
      ),
    ),
  },
  {
    row: 'V05 a space before the colon',
    code: 'malformed_request',
    payloads: {
      length: patch(['Content-Length : 2', JSON_TYPE], '{}'),
      tenant: tenant('X-Tenant-Id : 7'),
      tab: tenant('X-Tenant-Id\t: 7'),
    },
  },
  {
    row: 'V06 chunked twice',
    code: 'malformed_request',
    payloads: {
      lines: patch([CHUNKED, CHUNKED, JSON_TYPE], '0\r\n\r\n'),
    },
  },
  {
    row: 'V09 chunked, but not last',
    code: 'malformed_request',
    payloads: {
      'before gzip': patch(['Transfer-Encoding: chunked, gzip', JSON_TYPE], '0\r\n\r\n'),
      'before itself': patch(['Transfer-Encoding: chunked, gzip, chunked', JSON_TYPE], '0\r\n\r\n'),
    },
  },
  {
    row: 'V09 another coding than chunked',
    code: 'bad_framing',
    payloads: Object.fromEntries(
      ['gzip', 'xchunked', 'identity', 'chunked;q=1', 'chunkedd', 'gzip, chunked'].map((coding) => [
        coding,
        patch([`Transfer-Encoding: ${coding}`, JSON_TYPE], '0\r\n\r\n'),
      ]),
    ),
  },
  {
    row: 'V10 broken chunks',
    code: 'malformed_request',
    payloads: {
      'hexadecimal prefix': patch([CHUNKED, JSON_TYPE], '0x2\r\n{}\r\n0\r\n\r\n'),
      'bare LF after the size': patch([CHUNKED, JSON_TYPE], '2\n{}\r\n0\r\n\r\n'),
      'bare LF after the data': patch([CHUNKED, JSON_TYPE], '2\r\n{}\n0\r\n\r\n'),
      spill: patch([CHUNKED, JSON_TYPE], '2\r\n{}x\r\n0\r\n\r\n'),
      'CR in an extension': patch([CHUNKED, JSON_TYPE], '2;a\rb\r\n{}\r\n0\r\n\r\n'),
      sign: patch([CHUNKED, JSON_TYPE], '+2\r\n{}\r\n0\r\n\r\n'),
      'no size': patch([CHUNKED, JSON_TYPE], '\r\n{}\r\n0\r\n\r\n'),
      'size above 2^64': patch([CHUNKED, JSON_TYPE], 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'),
    },
  },
  {
    row: 'V11 control characters and folding',
    code: 'malformed_request',
    payloads: {
      folding: read('X-Fold: a', ' b'),
      'folded first': message('GET /customers/1 HTTP/1.1', [' X-Fold: a', ...BASE]),
      'bare LF': `GET /customers/1 HTTP/1.1\n${BASE.join('\n')}\n\n`,
      'bare CR': read('X-Bare: a\rX-Tenant-Id: 8'),
      NUL: read('X-Nul: a\0b'),
      control: read('X-Control: a\x01b'),
      escape: read(`X-Request-Id: \x1b[31m${CANARY}`),
      delete: read('X-Delete: a\x7fb'),
      'NUL in a name': read('X-N\0l: a'),
    },
  },
  {
    row: 'V12 lines that are no fields',
    code: 'malformed_request',
    payloads: {
      'no colon': read(CANARY),
      'empty name': read(': a'),
      'space in the name': read('X A: a'),
      'not a token': read('X@A: a'),
    },
  },
  {
    row: 'V11 bytes that no target has',
    code: 'malformed_request',
    payloads: {
      'above ASCII': target('/customers/\xe4'),
      'above ASCII in a query': target('/customers/1?a=\xe4'),
      delete: target('/customers/\x7f'),
      tab: target('/customers/1\t'),
    },
  },
  {
    row: 'V13 no Host',
    code: 'invalid_host',
    payloads: { 'HTTP/1.1': message('GET /customers/1 HTTP/1.1', BASE.slice(1)) },
  },
  {
    row: 'V16 no version',
    code: 'invalid_version',
    payloads: { 'HTTP/0.9': 'GET /customers/1\r\n\r\n', root: 'GET /\r\n\r\n' },
  },
  {
    row: 'V17 another version (parsed)',
    code: 'invalid_version',
    payloads: { 'HTTP/2.0': message('GET /customers/1 HTTP/2.0', BASE) },
  },
  {
    row: 'V17 another version (not parsed)',
    code: 'malformed_request',
    payloads: Object.fromEntries(
      ['http/1.1', 'HTTP/1.2', 'HTTP/3.0', 'HTTP/1.1 ', 'HTTP/11', 'ICE/1.0', 'HTTP/1'].map((v) => [
        v,
        message(`GET /customers/1 ${v}`, BASE),
      ]),
    ),
  },
  {
    row: 'V18 the preface of HTTP/2',
    code: 'malformed_request',
    payloads: { preface: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  },
  {
    row: 'V19 a head over 16 KiB',
    code: 'header_too_large',
    payloads: {
      field: read(`X-Long: ${'a'.repeat(17_000)}`),
      target: target(`/customers/${'1'.repeat(17_000)}`),
      'many fields': read(...Array.from({ length: 90 }, (_, i) => `X-${i}: ${'a'.repeat(200)}`)),
    },
  },
]

const MESSAGES: readonly Refusal[] = [
  {
    row: 'V07 an empty element before chunked',
    code: 'bad_framing',
    payloads: {
      leading: patch(['Transfer-Encoding: ,chunked', JSON_TYPE], '0\r\n\r\n'),
      spaced: patch(['Transfer-Encoding: , chunked', JSON_TYPE], '0\r\n\r\n'),
    },
  },
  {
    row: 'V08 chunked in HTTP/1.0',
    code: 'bad_framing',
    payloads: {
      patch: message(
        'PATCH /customers/1 HTTP/1.0',
        [...BASE, CHUNKED, JSON_TYPE],
        '2\r\n{}\r\n0\r\n\r\n',
      ),
    },
  },
  {
    row: 'V14 two Host lines',
    code: 'duplicate_header',
    payloads: { equal: read(HOST), different: read('Host: evil.test'), case: read('hOST: a') },
  },
  {
    row: 'V15 a Host that is none',
    code: 'invalid_host',
    payloads: Object.fromEntries(
      ['', 'a@b/c', 'a b', 'a:b', '[::1', 'a:80:80', 'a/b', 'a?b', 'a#b', '\xe4', 'a:123456'].map(
        (host) => [host, message('GET /customers/1 HTTP/1.1', [`Host: ${host}`, ...BASE.slice(1)])],
      ),
    ),
  },
  {
    row: 'V20 more than 100 fields',
    code: 'too_many_headers',
    payloads: {
      '101': read(...Array.from({ length: 97 }, (_, i) => `X-${i}: ${CANARY}`)),
      // Node stops counting somewhere near 2,000 and drops the rest without a word.
      '2,500, the tenant last': message('GET /customers/1 HTTP/1.1', [
        HOST,
        ...Array.from({ length: 2_500 }, () => 'a:b'),
        AUTHORIZATION,
        TENANT,
      ]),
    },
  },
  {
    row: 'V21 another expectation than 100-continue',
    code: 'expectation_failed',
    payloads: { foo: read('Expect: foo'), both: read(`Expect: 100-continue, ${CANARY}`) },
  },
  {
    row: 'V22 methods that are not for the API',
    code: 'method_not_allowed',
    header: ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
    payloads: Object.fromEntries(
      ['TRACE', 'PROPFIND', 'PURGE', 'LINK', 'MKCOL', 'M-SEARCH'].map((method) => [
        method,
        target('/customers/1', method),
      ]),
    ),
  },
  {
    row: 'V22 methods that there are not',
    code: 'malformed_request',
    payloads: Object.fromEntries(
      ['FOO', 'get', 'GETT', '', 'G\0T'].map((method) => [method, target('/customers/1', method)]),
    ),
  },
  {
    row: 'V23 CONNECT',
    code: 'method_not_allowed',
    closes: true,
    header: ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
    payloads: { authority: target('a:443', 'CONNECT'), path: target('/customers/1', 'CONNECT') },
  },
  {
    row: 'V25 content where none belongs',
    code: 'unexpected_body',
    closes: true,
    payloads: {
      length: message('GET /customers/1 HTTP/1.1', [...BASE, 'Content-Length: 2'], '{}'),
      chunks: message('GET /customers/1 HTTP/1.1', [...BASE, CHUNKED], '2\r\n{}\r\n0\r\n\r\n'),
      'no chunks': message('GET /customers/1 HTTP/1.1', [...BASE, CHUNKED], '0\r\n\r\n'),
      HEAD: message('HEAD /customers/1 HTTP/1.1', [...BASE, 'Content-Length: 2'], '{}'),
      'another path': message('GET /things HTTP/1.1', [...BASE, 'Content-Length: 2'], '{}'),
      'a request in it': message(
        'GET /customers/1 HTTP/1.1',
        [...BASE, 'Content-Length: 30'],
        `GET /${CANARY} HTTP/1.1\r\n\r\n`,
      ),
    },
  },
]

const TARGETS: readonly Refusal[] = [
  {
    row: 'V26 absolute form',
    code: 'invalid_target',
    payloads: {
      'another host': target('http://evil.test/customers/1'),
      'this host': target('http://layby.test/customers/1'),
      https: target('https://layby.test/customers/1'),
    },
  },
  { row: 'V27 asterisk', code: 'invalid_target', payloads: { OPTIONS: target('*', 'OPTIONS') } },
  {
    row: 'V28 a fragment',
    code: 'invalid_target',
    payloads: {
      path: target('/customers/1#x'),
      query: target('/customers/1?a=b#x'),
    },
  },
  ...notCanonical({
    'V29 empty segments': [
      '//customers/1',
      '/customers//1',
      '/customers/1//',
      '//',
      '///evil.test',
    ],
    'V30 dot segments': ['/customers/./1', '/customers/2/../1', '/..', '/.', '/customers/1/..'],
    'V31 encoded dots': [
      '/customers/%2e%2e/1',
      '/customers/%2E./1',
      '/customers/.%2e/1',
      '/customers/%2e/1',
    ],
    'V32 encoded separators': [
      '/customers/1%2F..%2F2',
      '/customers/1%2f2',
      '/customers/1%5C..%5C2',
      '/customers/1%5c2',
    ],
    'V33 backslashes': ['/customers/1\\..\\2', '/customers\\1', '/\\evil.test'],
    'V34 path parameters': [
      '/customers/1;x',
      '/customers/..;/1',
      '/;/customers/1',
      '/customers/1%3bx',
    ],
    'V35 encoded unreserved characters': ['/customers/%31', '/%63ustomers/1', '/customers/1%7E'],
    'V36 broken and double encoding': [
      '/customers/%2531',
      '/customers/%zz',
      '/customers/%',
      '/customers/%3',
      '/customers/%%31',
      '/customers/%u0031',
    ],
    'V37 encoded controls': [
      '/customers/%00',
      '/customers/1%0d%0aX:1',
      '/customers/%7f',
      '/customers/%1F',
    ],
    'characters that no path has': [
      '/customers/"1"',
      '/customers/<1>',
      '/customers/{1}',
      '/a|b',
      '/a^b',
      '/a`b',
    ],
  }),
  {
    row: 'V40 ids that are no 64-bit integers',
    code: 'invalid_parameter',
    payloads: Object.fromEntries(
      ['0', '00', '007', '+7', '-7', '9223372036854775808', '1'.repeat(65), '1'.repeat(10_000)]
        .flatMap((id) => [`/customers/${id}`, `/customers/${id}/`])
        .map((path) => [path.slice(0, 40) + (path.length > 40 ? path.length : ''), target(path)]),
    ),
  },
]

function notCanonical(rows: Readonly<Record<string, readonly string[]>>): Refusal[] {
  return Object.entries(rows).map(([row, paths]) => ({
    row,
    code: 'path_not_canonical',
    payloads: Object.fromEntries(
      paths.flatMap((path) => [
        [path, target(path)],
        [`PATCH ${path}`, target(path, 'PATCH')],
      ]),
    ),
  }))
}

function tenants(...values: string[]): Record<string, string> {
  return Object.fromEntries(values.map((value) => [value, tenant(`X-Tenant-Id: ${value}`)]))
}

function versions(...values: string[]): Record<string, string> {
  const lines = BASE.slice(0, 3)
  return Object.fromEntries(
    values.map((value) => [
      value,
      message('GET /customers/1 HTTP/1.1', [...lines, `X-Api-Version: ${value}`]),
    ]),
  )
}

const HEADER_RULES: readonly Refusal[] = [
  {
    row: 'V43 no tenant',
    code: 'missing_tenant',
    payloads: {
      absent: tenant(),
      empty: tenant('X-Tenant-Id:'),
      blank: tenant('X-Tenant-Id: \t '),
      'another path': message('GET /things HTTP/1.1', [HOST, AUTHORIZATION]),
    },
  },
  {
    row: 'V44 two tenants',
    code: 'duplicate_header',
    payloads: {
      equal: tenant(TENANT, TENANT),
      different: tenant(TENANT, 'X-Tenant-Id: 8'),
      'empty first': tenant('X-Tenant-Id:', TENANT),
      'empty second': tenant(TENANT, 'X-Tenant-Id:'),
      'other letter case': tenant(TENANT, 'x-TENANT-iD: 7'),
    },
  },
  {
    row: 'V45 delimiters',
    code: 'invalid_tenant',
    payloads: tenants('7,8', '7;8', '7:8', '7|8', '7/8', '7 8', '7\t8', '7, 7', '7.'),
  },
  {
    row: 'V46 other spellings of a number',
    code: 'invalid_tenant',
    payloads: tenants('+7', '-7', '07', '7.0', '7e0', '0x7', '0', '00', '1_0', '"7"', '7n'),
  },
  {
    row: 'V47 other digits and spaces',
    code: 'invalid_tenant',
    payloads: tenants(
      ...['\uff17', '\u00a07', '\u200b7', '\u0667', '\ufeff7'].map((text) =>
        Buffer.from(text).toString('latin1'),
      ),
      '\xb2',
      '\xa07',
      '7\xa0',
      '\x857',
    ),
  },
  {
    row: 'V49 numbers above 2^63-1',
    code: 'invalid_tenant',
    payloads: tenants('9223372036854775808', '9'.repeat(19), '1'.repeat(40), '1'.repeat(8_000)),
  },
  {
    row: 'V50 words that mean something to JavaScript',
    code: 'invalid_tenant',
    payloads: tenants('__proto__', 'constructor', 'null', 'NaN', 'undefined', 'Infinity', CANARY),
  },
  {
    row: 'V52 names that differ by a separator',
    code: 'ambiguous_header',
    payloads: {
      x_tenant_id: read('x_tenant_id: 8'),
      'x.tenant.id': read('x.tenant.id: 8'),
      'X_Tenant-Id': read('X_Tenant-Id: 8'),
      x_api_version: read('x_api_version: 8'),
      'x_request.id': read('x_request.id: 8'),
      content_type: read('Content_Type: 8'),
    },
  },
  {
    row: 'V53 Connection names a header',
    code: 'forbidden_connection_option',
    payloads: Object.fromEntries(
      [
        'x-tenant-id',
        'authorization',
        'keep-alive,x-api-version',
        'x-request-id',
        'content-type',
        'content-length',
        'via',
        CANARY,
        'clo se',
        '"close"',
      ].map((value) => [value, read(`Connection: ${value}`)]),
    ),
  },
  {
    row: 'V53 Connection ends the connection and names a header',
    code: 'forbidden_connection_option',
    closes: true,
    payloads: {
      'close, X-Tenant-Id': read('Connection: close, X-Tenant-Id'),
      'authorization, close': read('Connection: authorization, close'),
    },
  },
  {
    row: 'V53 one of several Connection lines names a header',
    code: 'forbidden_connection_option',
    payloads: { second: read('Connection: keep-alive', 'Connection: x-tenant-id') },
  },
  {
    row: 'V54 no credential',
    code: 'missing_credentials',
    header: ['www-authenticate', 'Bearer'],
    payloads: {
      absent: authorization(),
      empty: authorization('Authorization:'),
      'another path': message('GET /things HTTP/1.1', [HOST, TENANT]),
      write: message('PATCH /customers/1 HTTP/1.1', [HOST, TENANT]),
      'OPTIONS that is no preflight': message('OPTIONS /customers/1 HTTP/1.1', [HOST, TENANT]),
    },
  },
  {
    row: 'V55 two credentials',
    code: 'duplicate_header',
    payloads: {
      equal: authorization(AUTHORIZATION, AUTHORIZATION),
      different: authorization(AUTHORIZATION, `Authorization: Bearer ${CANARY}.a`),
    },
  },
  {
    row: 'V56 what is no bearer credential',
    code: 'invalid_credentials',
    header: ['www-authenticate', 'Bearer error="invalid_token"'],
    payloads: Object.fromEntries(
      [
        `Basic ${CANARY}`,
        'Bearer',
        `Bearer  ${CANARY}.aaaa`,
        `Bearer\t${CANARY}.aaaa`,
        'Bearer a.b,c',
        'Bearer token.a, Bearer token.b',
        'Bearer a',
        'Bearer aa',
        'Bearer a.b c',
        'Bearer a\xe4b',
        `BearerX ${CANARY}.aaaa`,
        `Token ${CANARY}.aaaa`,
        `Bearer ${CANARY}.${'a'.repeat(256)}`,
        `Bearer ${CANARY}.${'a'.repeat(8_200)}`,
      ].map((value) => [
        `${value.slice(0, 30)} (${value.length})`,
        authorization(`Authorization: ${value}`),
      ]),
    ),
  },
  {
    row: 'V57 unknown versions',
    code: 'unsupported_api_version',
    payloads: {
      ...versions('', '1', '2023-04-19', '2023/04/20', '2019/02/08, 2019/02/08', `${VERSION}x`),
      twice: read(API_VERSION),
      'two different': read('X-Api-Version: 2019/02/08'),
    },
  },
  {
    row: 'V63 content that does not call itself JSON',
    code: 'unsupported_media_type',
    closes: true,
    payloads: Object.fromEntries(
      [
        'application/json\tx',
        'application/json garbage',
        'application/json;',
        'application/json;charset',
        'application/jsonx',
        'application/json, text/plain',
        'text/plain',
        'application',
        '/json',
        '',
        `application/json;a="${'a'.repeat(256)}"`,
      ].map((type) => [type.slice(0, 40), sized('{}', `Content-Type: ${type}`)]),
    ),
  },
  {
    row: 'V63 two content types',
    code: 'duplicate_header',
    closes: true,
    payloads: { equal: sized('{}', JSON_TYPE, JSON_TYPE) },
  },
  {
    row: 'V64 content that is announced as too long',
    code: 'content_too_large',
    payloads: {
      'by one': patch([`Content-Length: ${MAX_REQUEST_BYTES + 1}`, JSON_TYPE], '{'),
      'by far': patch(['Content-Length: 999999999999999', JSON_TYPE], '{'),
      complete: sized('x'.repeat(MAX_REQUEST_BYTES + 1), JSON_TYPE),
    },
  },
  {
    row: 'a request that has been here before',
    code: 'loop',
    payloads: { via: read('Via: 1.1 layby'), list: read('Via: 1.0 fred, 1.1 Layby (x)') },
  },
]

interface Bench {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
  readonly wire: Wiretap
  /** A customer id that no request has named yet. */
  readonly nextId: () => number
}

async function setUp(t: Test): Promise<Bench> {
  const upstream = await startUpstream(t)
  const wire = await startWiretap(t, upstream.url)
  const app = await buildTestApp(t, wire.url, { server: { maxRequestBytes: MAX_REQUEST_BYTES } })
  let id = 1_000
  return { app, upstream, wire, nextId: () => id++ }
}

function clean(id: number, ...more: string[]): string {
  return message(`GET /customers/${id} HTTP/1.1`, [...BASE, ...more])
}

/** A clean request on a connection of its own: the process is alive, and the upstream saw nothing before it. */
async function proveAlive(
  t: Test,
  { app, wire, nextId }: Bench,
  sentBefore: number,
): Promise<void> {
  const id = nextId()
  const { replies } = await exchange(app.url, clean(id))
  t.equal(replies[0]?.status, 200, 'a clean request after it is answered')
  const sent = wire.text.slice(sentBefore)
  t.match(
    sent,
    new RegExp(`^GET /customers/${id} HTTP/1\\.1\r\n`),
    'the upstream saw nothing of it',
  )
  t.equal(sent.split(' HTTP/1.1\r\n').length, 2, 'and no more than the clean request')
}

function checkProblem(
  t: Test,
  reply: RawReply | undefined,
  code: ProblemCode,
  isHead = false,
): void {
  const expected = PROBLEMS[code]
  t.equal(reply?.status, expected.status)
  if (reply === undefined) return
  const { headers } = reply
  const id = headers.get('x-request-id') ?? ''
  t.match(id, UUID)
  t.equal(headers.get('content-type'), 'application/problem+json')
  t.equal(headers.get('cache-control'), 'no-store')
  t.equal(headers.get('cache-status'), undefined, 'what is made here has no Cache-Status')
  if (isHead) return
  const { explanation, ...problem } = JSON.parse(reply.body) as Record<string, unknown>
  // Every member is a constant of the catalogue or our own id: nothing of the request is echoed.
  t.same(problem, {
    type: `urn:layby:problem:${expected.type}`,
    title: expected.title,
    status: expected.status,
    detail: expected.detail,
    field: expected.field,
    instance: `urn:uuid:${id}`,
    code,
  })
  t.equal(
    explanation,
    code === 'content_too_large'
      ? 'The request may have reached the API.'
      : 'The request was not sent upstream.',
  )
}

async function checkRefusal(
  t: Test,
  bench: Bench,
  refusal: Refusal,
  payload: string,
): Promise<void> {
  const { app, wire, upstream, nextId } = bench
  const isHead = payload.startsWith('HEAD')
  const closes = refusal.closes ?? PROBLEMS[refusal.code].closes
  const sentBefore = wire.text.length
  const id = nextId()
  // A second request on the heels of the first: answered if the connection is in step, else never seen.
  const { replies, closed, text } = await exchange(
    app.url,
    payload + clean(id, 'Connection: close'),
    2,
    isHead,
  )
  checkProblem(t, replies[0], refusal.code, isHead)
  t.equal(replies[0]?.headers.get('connection'), closes ? 'close' : 'keep-alive')
  if (refusal.header !== undefined) {
    t.equal(replies[0]?.headers.get(refusal.header[0]), refusal.header[1])
  }
  t.equal(replies.length, closes ? 1 : 2, 'as many answers as requests')
  t.ok(closed)
  if (!closes) {
    t.equal(replies[1]?.status, 200)
    t.match(upstream.requests.at(-1)?.url, `/customers/${id}`)
  }
  t.notMatch(text, CANARY)
  const followed = closes ? 0 : wire.text.indexOf('\r\n\r\n', sentBefore) + 4 - sentBefore
  if (!closes) t.match(wire.text.slice(sentBefore), new RegExp(`^GET /customers/${id} `))
  await proveAlive(t, bench, sentBefore + followed)
}

const REFUSALS = [...MALFORMED, ...MESSAGES, ...TARGETS, ...HEADER_RULES]

t.test('what is doubtful is refused before anything is looked up or sent', async (t) => {
  const bench = await setUp(t)
  for (const refusal of REFUSALS) {
    await t.test(refusal.row, async (t) => {
      for (const [name, payload] of Object.entries(refusal.payloads)) {
        await t.test(name.replace(/[^\x21-\x7e ]/g, '?') || 'empty', (t) =>
          checkRefusal(t, bench, refusal, payload),
        )
      }
    })
  }
  t.notMatch(bench.app.logged(), CANARY)
  t.notMatch(bench.wire.text, CANARY)
})

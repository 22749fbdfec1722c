/** Reliability section 3, row by row, over a raw socket. The decisions at its top beat its rows. */
import t, { type Test } from 'tap'
import { PROBLEMS, type ProblemCode } from '../../src/http/problems.ts'
import { buildTestApp, FAST_PATH, HEADERS, type TestApp, VERSION } from '../helpers/app.ts'
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
  /** The fault comes within the content, which is streamed: the upstream may see a request begin. */
  readonly begins?: true
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
    row: 'V10 chunks broken from the start',
    code: 'malformed_request',
    payloads: {
      'hexadecimal prefix': patch([CHUNKED, JSON_TYPE], '0x2\r\n{}\r\n0\r\n\r\n'),
      'bare LF after the size': patch([CHUNKED, JSON_TYPE], '2\n{}\r\n0\r\n\r\n'),
      'CR in an extension': patch([CHUNKED, JSON_TYPE], '2;a\rb\r\n{}\r\n0\r\n\r\n'),
      sign: patch([CHUNKED, JSON_TYPE], '+2\r\n{}\r\n0\r\n\r\n'),
      'no size': patch([CHUNKED, JSON_TYPE], '\r\n{}\r\n0\r\n\r\n'),
      'size above 2^64': patch([CHUNKED, JSON_TYPE], 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'),
    },
  },
  {
    row: 'V10 chunks broken later',
    code: 'malformed_request',
    begins: true,
    payloads: {
      'bare LF after the data': patch([CHUNKED, JSON_TYPE], '2\r\n{}\n0\r\n\r\n'),
      spill: patch([CHUNKED, JSON_TYPE], '2\r\n{}x\r\n0\r\n\r\n'),
      'bare LF after the last size': patch([CHUNKED, JSON_TYPE], '2\r\n{}\r\n0\n\r\n'),
      'second size': patch([CHUNKED, JSON_TYPE], '2\r\n{}\r\nx\r\n0\r\n\r\n'),
      'trailer without a colon': patch([CHUNKED, JSON_TYPE], '2\r\n{}\r\n0\r\nx\r\n\r\n'),
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
    payloads: {
      'two lines': read('Expect: foo', 'Expect: 100-continue'),
      'two lines, the other way': read('Expect: 100-continue', 'Expect: foo'),
      foo: read('Expect: foo'),
      both: read(`Expect: 100-continue, ${CANARY}`),
    },
  },
  {
    row: 'V22 a method that shows what was sent',
    code: 'method_not_allowed',
    header: ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY'],
    payloads: {
      TRACE: target('/customers/1', 'TRACE'),
      'Max-Forwards': message('TRACE /customers/1 HTTP/1.1', [...BASE, 'Max-Forwards: 0']),
    },
  },
  {
    row: 'V22 methods that are no tokens',
    code: 'malformed_request',
    payloads: Object.fromEntries(
      ['', 'G\0T', 'G(T', 'G\xe4T'].map((method) => [method, target('/customers/1', method)]),
    ),
  },
  {
    row: 'V22 methods that Node does not know, with content',
    code: 'method_not_implemented',
    closes: true,
    payloads: Object.fromEntries(
      ['FOO', 'get', 'GETT', 'DESCRIBE', 'x'.repeat(40)].map((method) => [
        method,
        message(`${method} /customers/1 HTTP/1.1`, [...BASE, JSON_TYPE, 'Content-Length: 2'], '{}'),
      ]),
    ),
  },
  {
    row: 'V23 CONNECT',
    code: 'method_not_allowed',
    closes: true,
    header: ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY'],
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
        ';',
        'application/json;charset',
        'application/json;;=b',
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

async function setUp(t: Test, values: Parameters<typeof buildTestApp>[2] = {}): Promise<Bench> {
  const upstream = await startUpstream(t)
  const wire = await startWiretap(t, upstream.url)
  const app = await buildTestApp(t, wire.url, {
    server: { maxRequestBytes: MAX_REQUEST_BYTES },
    ...values,
  })
  let id = 1_000
  return { app, upstream, wire, nextId: () => id++ }
}

function clean(id: number, ...more: string[]): string {
  return message(`GET /customers/${id} HTTP/1.1`, [...BASE, ...more])
}

/** A clean request on a connection of its own is answered; gives what the upstream saw until then. */
async function proveAlive(t: Test, bench: Bench, sentBefore: number): Promise<string> {
  const { app, wire, nextId } = bench
  const id = nextId()
  const { replies } = await exchange(app.url, clean(id))
  t.equal(replies[0]?.status, 200, 'a clean request after it is answered')
  const sent = wire.text.slice(sentBefore)
  const proof = sent.indexOf(`GET /customers/${id} HTTP/1.1\r\n`)
  t.not(proof, -1)
  return sent.slice(0, proof)
}

function checkProblem(
  t: Test,
  reply: RawReply | undefined,
  code: ProblemCode,
  isHead: boolean,
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
  const { explanation, requestSent, ...problem } = JSON.parse(reply.body) as Record<string, unknown>
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
  t.equal(requestSent, false)
  t.equal(explanation, 'The request was not sent upstream.')
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
  const receivedBefore = upstream.requests.length
  const id = nextId()
  // A second request on the heels of the first: answered if the connection is in step, else never seen.
  const follower = clean(id, 'Connection: close')
  const { replies, closed, text } = await exchange(app.url, payload + follower, 2, isHead)
  checkProblem(t, replies[0], refusal.code, isHead)
  t.equal(replies[0]?.headers.get('connection'), closes ? 'close' : 'keep-alive')
  if (refusal.header !== undefined) {
    t.equal(replies[0]?.headers.get(refusal.header[0]), refusal.header[1])
  }
  t.same(
    replies.slice(1).map(({ status }) => status),
    closes ? [] : [200],
  )
  t.ok(closed)
  t.notMatch(text, CANARY)
  const ownId = replies[0]?.headers.get('x-request-id')
  const report = app.reports.find(({ requestId }) => requestId === ownId)
  t.equal(report?.problem, refusal.code, 'metric and log hear of it under the same id')
  t.equal(report?.status, PROBLEMS[refusal.code].status)
  const sent = await proveAlive(t, bench, sentBefore)
  t.same(
    upstream.requests.slice(receivedBefore, -1).map(({ url }) => url),
    closes ? [] : [`/customers/${id}`],
    'the upstream received nothing of it',
  )
  if (refusal.begins === true) t.notMatch(sent, /\r\n0\r\n/, 'what began was never completed')
  else t.equal(sent.split(' HTTP/1.1\r\n').length, closes ? 1 : 2, 'and saw no byte of it')
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

/** Of a trace that begins here. */
const TRACEPARENT = 'traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01'

/** What goes upstream for a cached read, with the parts that differ left open. */
function canonicalRead(path: string): RegExp {
  const lines = [
    `GET ${path} HTTP/1\\.1`,
    'host: 127\\.0\\.0\\.1:[0-9]+',
    'connection: keep-alive',
    `authorization: ${HEADERS.authorization}`,
    'x-tenant-id: 7',
    'x-request-id: [0-9a-f-]{36}',
    'accept: application/json',
    'accept-encoding: identity',
    'via: 1\\.1 layby',
    TRACEPARENT,
    `x-api-version: ${VERSION}`,
  ]
  return new RegExp(`^${lines.join('\r\n')}\r\n\r\n$`)
}

/** What goes upstream for a request that passes through, with the client's headers that are let by. */
function canonicalPass(first: string, headers: readonly string[], content = ''): RegExp {
  const lines = [
    `${first} HTTP/1\\.1`,
    'host: 127\\.0\\.0\\.1:[0-9]+',
    'connection: keep-alive',
    `authorization: ${HEADERS.authorization}`,
    'x-tenant-id: 7',
    `x-api-version: ${VERSION}`,
    ...headers,
    'x-request-id: [0-9a-f-]{36}',
    'via: 1\\.1 layby',
    TRACEPARENT,
  ]
  return new RegExp(`^${lines.join('\r\n')}\r\n${content}$`)
}

interface Acceptance {
  readonly row: string
  readonly bytes: string
  /** All that the upstream is to see, to the byte. */
  readonly sends: RegExp
  readonly cacheStatus: string
}

const STORED = 'layby; fwd=uri-miss; stored; ttl=300'
const BYPASSED = 'layby; fwd=bypass'
const WRITTEN = 'layby; fwd=method'

const ACCEPTANCES: readonly Acceptance[] = [
  {
    row: 'V03 no content, and said so',
    bytes: message('GET /customers/1 HTTP/1.1', [...BASE, 'Content-Length: 0']),
    sends: canonicalRead('/customers/1'),
    cacheStatus: STORED,
  },
  {
    row: 'V08 HTTP/1.0 without chunks, and without Host',
    bytes: message('GET /customers/2 HTTP/1.0', BASE.slice(1)),
    sends: canonicalRead('/customers/2'),
    cacheStatus: STORED,
  },
  {
    row: 'V20 exactly 100 fields',
    bytes: message('GET /customers/3 HTTP/1.1', [
      ...BASE,
      ...Array.from({ length: 96 }, (_, i) => `X-${i}: ${CANARY}`),
    ]),
    sends: canonicalRead('/customers/3'),
    cacheStatus: STORED,
  },
  {
    row: 'V21 Expect: 100-continue with the content sent at once',
    bytes: sized('{"name": "a"}', JSON_TYPE, 'Expect: 100-continue'),
    sends: canonicalPass(
      'PATCH /customers/1',
      ['content-type: application/json'],
      'content-length: 13\r\n\r\n\\{"name": "a"\\}',
    ),
    cacheStatus: WRITTEN,
  },
  {
    row: 'V24 an upgrade to h2c on a cached route',
    bytes: message('GET /customers/4 HTTP/1.1', [
      ...BASE,
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      `HTTP2-Settings: ${CANARY}`,
    ]),
    sends: canonicalRead('/customers/4'),
    cacheStatus: STORED,
  },
  {
    row: 'V24 an upgrade to WebSocket on another route',
    bytes: message('GET /hooks HTTP/1.1', [
      ...BASE,
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Key: ${CANARY}`,
      'Sec-WebSocket-Version: 13',
    ]),
    sends: canonicalPass('GET /hooks', [], '\r\n'),
    cacheStatus: BYPASSED,
  },
  ...['/Customers/1', '/customers/', '/CUSTOMERS/1/'].map((path) => passes('V38', path)),
  ...[
    '/customers/1.css',
    '/customers/1/x.js',
    '/customers/1/addresses',
    '/customers/1/addresses/',
  ].map((path) => passes('V39', path)),
  ...[
    '/customers/search',
    `/customers/${'a'.repeat(101)}`,
    '/customers/1e3',
    '/customers/%C3%A4',
  ].map((path) => passes('V40', path)),
  {
    row: 'V41 a query',
    bytes: target('/customers/1?cb=1&a=%zz&&b=/../?x'),
    sends: canonicalPass('GET /customers/1\\?cb=1&a=%zz&&b=/\\.\\./\\?x', [], '\r\n'),
    cacheStatus: 'layby; fwd=bypass; detail=query',
  },
  {
    row: 'V42 an empty query',
    bytes: target('/customers/5?'),
    sends: canonicalRead('/customers/5'),
    cacheStatus: STORED,
  },
  {
    row: 'V42 the same entry as without',
    bytes: target('/customers/5'),
    sends: /^$/,
    cacheStatus: 'layby; hit; ttl=300; detail=memory',
  },
  {
    row: 'V48 white space around the tenant',
    bytes: message('GET /customers/6 HTTP/1.1', [
      HOST,
      AUTHORIZATION,
      API_VERSION,
      'X-Tenant-Id: \t  7\t ',
    ]),
    sends: canonicalRead('/customers/6'),
    cacheStatus: STORED,
  },
  {
    row: 'V48 the same entry as without',
    bytes: target('/customers/6'),
    sends: /^$/,
    cacheStatus: 'layby; hit; ttl=300; detail=memory',
  },
  {
    row: 'V48 white space around the tenant of a write',
    bytes: message('DELETE /customers/1/addresses/1 HTTP/1.1', [
      HOST,
      AUTHORIZATION,
      'X-Tenant-Id: \t  7\t ',
      API_VERSION,
    ]),
    sends: canonicalPass('DELETE /customers/1/addresses/1', [], '(content-length: 0\r\n)?\r\n'),
    cacheStatus: WRITTEN,
  },
  {
    row: 'V51 names that mean something to JavaScript',
    bytes: message('GET /customers/7 HTTP/1.1', [
      ...BASE,
      ...['__proto__', 'constructor', 'hasOwnProperty', 'toString', '__defineGetter__'].flatMap(
        (name) => [`${name}: ${CANARY}`, `${name}: 1`],
      ),
    ]),
    sends: canonicalRead('/customers/7'),
    cacheStatus: STORED,
  },
  {
    row: 'V51 names that mean something to JavaScript, on another route',
    bytes: message('GET /things HTTP/1.1', [...BASE, `__proto__: ${CANARY}`, 'constructor: 1']),
    sends: canonicalPass('GET /things', [], '\r\n'),
    cacheStatus: BYPASSED,
  },
  {
    row: 'V57 no version',
    bytes: message('GET /things HTTP/1.1', BASE.slice(0, 3)),
    sends: /^GET \/things (?!.*x-api-version)/s,
    cacheStatus: BYPASSED,
  },
  {
    row: 'V60 a range of a cached route',
    bytes: clean(8, 'Range: bytes=0-0', 'If-Range: "a"'),
    sends: canonicalRead('/customers/8'),
    cacheStatus: STORED,
  },
  {
    row: 'V60 a range of a cached route that skips the cache',
    bytes: clean(9, 'Range: bytes=0-0', 'If-Range: "a"', 'Cache-Control: no-store'),
    sends: canonicalRead('/customers/9'),
    cacheStatus: 'layby; fwd=request; detail=no-store',
  },
  {
    row: 'V62 Accept-Version',
    bytes: clean(10, 'Accept-Version: 1'),
    sends: canonicalRead('/customers/10'),
    cacheStatus: STORED,
  },
  {
    row: 'V62 not in the key',
    bytes: clean(10, 'Accept-Version: 2'),
    sends: /^$/,
    cacheStatus: 'layby; hit; ttl=300; detail=memory',
  },
  {
    row: 'V62 on another route',
    bytes: message('GET /things HTTP/1.1', [...BASE, `Accept-Version: ${CANARY}`]),
    sends: canonicalPass('GET /things', [], '\r\n'),
    cacheStatus: BYPASSED,
  },
  {
    // The space is outside of the value (RFC 9110 section 5.5): nobody behind us gets to see it.
    row: 'V63 a leading space before the media type',
    bytes: sized('{}', 'Content-Type:  application/json;charset=utf-8'),
    sends: canonicalPass(
      'PATCH /customers/1',
      ['content-type: application/json;charset=utf-8'],
      'content-length: 2\r\n\r\n\\{\\}',
    ),
    cacheStatus: WRITTEN,
  },
  {
    row: 'V65 trailers',
    bytes: patch(
      [CHUNKED, JSON_TYPE, 'Trailer: X-Tenant-Id'],
      `2;a=${CANARY}\r\n{}\r\n0\r\nX-Tenant-Id: 8\r\nX-Canary: ${CANARY}\r\n\r\n`,
    ),
    sends: canonicalPass(
      'PATCH /customers/1',
      ['content-type: application/json'],
      // The client of the upstream knows the length when all of it came at once.
      '(transfer-encoding: chunked\r\n\r\n2\r\n\\{\\}\r\n0\r\n|content-length: 2\r\n\r\n\\{\\}$)',
    ),
    cacheStatus: WRITTEN,
  },
  {
    row: 'V68 names and scheme in another letter case',
    bytes: message('GET /customers/11 HTTP/1.1', [
      'hOsT: layby.test',
      'AUTHORIZATION: bEARER token-one.aaaa',
      'x-tenant-ID: 7',
      `X-API-VERSION: ${VERSION}`,
    ]),
    sends: new RegExp(
      canonicalRead('/customers/11').source.replace(HEADERS.authorization, 'bEARER token-one.aaaa'),
    ),
    cacheStatus: STORED,
  },
]

/** @returns a row for a path that is no cached route and passes through */
function passes(row: string, path: string): Acceptance {
  return {
    row: `${row} ${path}`,
    bytes: target(path),
    sends: canonicalPass(`GET ${path.replaceAll('.', '\\.')}`, [], '\r\n'),
    cacheStatus: BYPASSED,
  }
}

t.test('what is only unusual is accepted, and the upstream sees the canonical form', async (t) => {
  const bench = await setUp(t)
  const { app, wire } = bench
  for (const { row, bytes, sends, cacheStatus } of ACCEPTANCES) {
    await t.test(row, async (t) => {
      const repeats = cacheStatus === BYPASSED ? 2 : 1
      for (let i = 0; i < repeats; i++) {
        const sentBefore = wire.text.length
        const { replies, text } = await exchange(app.url, bytes)
        t.equal(replies.length, 1, 'exactly one final answer')
        t.equal(replies[0]?.status, 200)
        t.equal(replies[0]?.headers.get('cache-status'), cacheStatus)
        t.notMatch(text, CANARY)
        const sent = await proveAlive(t, bench, sentBefore)
        t.match(sent, sends, i === 0 ? 'to the byte' : 'and again: it is never stored')
      }
    })
  }
  t.notMatch(wire.text, CANARY)
})

/** 60 names by which some server lets a request override method, host, path, scheme, address or identity. */
const OVERRIDES = (
  'x-http-method-override x-http-method x-method-override x-original-url x-rewrite-url x-original-uri ' +
  'x-forwarded-host x-forwarded-prefix x-forwarded-scheme x-forwarded-proto x-forwarded-port ' +
  'x-forwarded-for x-forwarded-server x-forwarded-path x-forwarded-uri x-forwarded-ssl ' +
  'x-forwarded-by x-forwarded-user x-forwarded-email x-forwarded-groups x-forwarded-method forwarded ' +
  'x-host x-http-host-override x-original-host x-proxy-host x-real-ip true-client-ip client-ip ' +
  'x-client-ip cf-connecting-ip fastly-client-ip x-cluster-client-ip x-originating-ip x-remote-ip ' +
  'x-remote-addr x-remote-user remote-user x-wap-profile x-original-method x-url-scheme front-end-https ' +
  'base-url request-uri proxy proxy-host proxy-authorization proxy-connection destination profile ' +
  'x-arbitrary x-backend-host x-accel-redirect x-sendfile x-script-name x-tenant tenant-id x-user-id ' +
  'x-amz-website-redirect-location cookie'
).split(' ')

t.test('60 overriding headers change no answer and reach nobody', async (t) => {
  t.equal(new Set(OVERRIDES).size, 60)
  const bench = await setUp(t)
  const { app, wire } = bench
  const hostile = OVERRIDES.map((name) => `${name}: ${CANARY}`)
  for (const [name, path, method] of [
    ['a cached route', '/customers/1', 'GET'],
    ['another route', '/things', 'GET'],
    ['a write', '/customers/1', 'PATCH'],
  ] as const) {
    await t.test(name, async (t) => {
      const first = `${method} ${path} HTTP/1.1`
      const before = wire.text.length
      const poisoned = await exchange(app.url, message(first, [...BASE, ...hostile]))
      t.notMatch(wire.text, CANARY)
      const between = wire.text.length
      const plain = await exchange(app.url, message(first, BASE))
      t.equal(poisoned.replies[0]?.status, 200)
      t.equal(poisoned.replies[0]?.body, plain.replies[0]?.body)
      t.notMatch(poisoned.text + plain.text, CANARY)
      const anyId = (text: string): string => text.replace(/traceparent: .*|[0-9a-f-]{36}/g, 'id')
      if (path === '/things') {
        t.equal(anyId(wire.text.slice(before, between)), anyId(wire.text.slice(between)))
      }
    })
  }
  t.notMatch(app.logged(), CANARY)
})

const HOSTILE_IDS: Readonly<Record<string, string>> = {
  '10 KB': CANARY.repeat(1_000),
  quotes: `"${CANARY}","level":"fatal`,
  backslashes: `\\${CANARY}\\u0000`,
  markup: `<script>alert('${CANARY}')</script>`,
  'control sequence without escape': `\x9b31m${CANARY}`,
  'line separators in UTF-8': `\xe2\x80\xa8${CANARY}\xe2\x80\xa9`,
  'not quite a UUID': '0198c0de-0000-7000-8000-00000000000g',
  'a UUID in braces': '{0198c0de-0000-7000-8000-000000000000}',
  'two in one line': '0198c0de-0000-7000-8000-000000000000, 0198c0de-0000-7000-8000-000000000001',
}

t.test('V58 a hostile x-request-id is replaced in log, upstream and answer', async (t) => {
  const { app, upstream } = await setUp(t)
  for (const [name, id] of Object.entries(HOSTILE_IDS)) {
    await t.test(name, async (t) => {
      for (const path of ['/customers/1/things', '/customers/0']) {
        const linesBefore = app.logged().split('\n').length
        const bytes = message(`GET ${path} HTTP/1.1`, [...BASE, `X-Request-Id: ${id}`])
        const { replies, text } = await exchange(app.url, bytes)
        const own = replies[0]?.headers.get('x-request-id') ?? ''
        t.match(own, UUID)
        t.notMatch(text, id)
        if (path === '/customers/1/things') {
          t.equal(upstream.requests.at(-1)?.headers['x-request-id'], own)
        }
        // The line is written when the connection's end of the answer is known.
        await exchange(app.url, clean(1))
        const lines = app
          .logged()
          .split('\n')
          .slice(linesBefore - 1, -1)
        const ids = lines.map(
          (line) => (JSON.parse(line) as Record<string, unknown>)['http.request.id'],
        )
        t.ok(ids.includes(own), 'the log has the new id')
        t.notMatch(lines.join(), id)
      }
    })
  }
  t.notMatch(app.logged(), CANARY)
})

t.test('V58 two request ids are not one, and a valid one is kept on every answer', async (t) => {
  const { app, upstream } = await setUp(t)
  const one = '0198C0DE-0000-7000-8000-000000000001'
  const two = '0198c0de-0000-7000-8000-000000000002'
  const twice = await exchange(app.url, read(`X-Request-Id: ${one}`, `X-Request-Id: ${two}`))
  t.not(twice.replies[0]?.headers.get('x-request-id'), one)
  t.not(twice.replies[0]?.headers.get('x-request-id'), two)
  t.equal(
    upstream.requests[0]?.headers['x-request-id'],
    twice.replies[0]?.headers.get('x-request-id'),
  )
  for (const [name, bytes] of Object.entries({
    hit: read(`X-Request-Id: ${one}`),
    miss: clean(2, `X-Request-Id: ${one}`),
    pass: message('GET /things HTTP/1.1', [...BASE, `X-Request-Id: ${one}`]),
    refusal: tenant(`X-Request-Id: ${one}`),
    expectation: read('Expect: foo', `X-Request-Id: ${one}`),
    'too long': patch(['Content-Length: 9999999', JSON_TYPE, `X-Request-Id: ${one}`], ''),
  })) {
    const { replies } = await exchange(app.url, bytes)
    t.equal(replies[0]?.headers.get('x-request-id'), one, name)
    t.match(app.logged(), one)
  }
})

t.test('V61 a flood of no-cache is one upstream request a second', async (t) => {
  for (const wish of ['Cache-Control: no-cache', 'Cache-Control: max-age=0', 'Pragma: no-cache']) {
    await t.test(wish, async (t) => {
      const { app, upstream } = await setUp(t)
      await exchange(app.url, clean(1))
      app.clock.advance(1_001)
      const statuses: (string | undefined)[] = []
      for (let i = 0; i < 5; i++) {
        const { replies } = await exchange(app.url, clean(1, wish))
        statuses.push(replies[0]?.headers.get('cache-status'))
        app.clock.advance(200)
      }
      t.equal(upstream.requests.length, 2)
      t.equal(statuses[0], 'layby; fwd=request; stored; ttl=300')
      t.equal(statuses[4], 'layby; hit; ttl=299; detail=memory')
      app.clock.advance(1_000)
      await exchange(app.url, clean(1, wish))
      t.equal(upstream.requests.length, 3, 'and after the second another one')
    })
  }
})

t.test('V61 concurrent requests with no-cache share one upstream request', async (t) => {
  const { app, upstream } = await setUp(t)
  await exchange(app.url, clean(1))
  app.clock.advance(5_000)
  upstream.hold()
  const flood = Array.from({ length: 20 }, () =>
    app.get('/customers/1', { headers: { 'cache-control': 'no-cache' } }),
  )
  await upstream.received(2)
  upstream.release()
  for (const { status } of await Promise.all(flood)) t.equal(status, 200)
  t.equal(upstream.requests.length, 2)
})

t.test(
  'V64 content over the limit by chunks is 413, and the upstream gets no complete request',
  async (t) => {
    const bench = await setUp(t)
    const { app, upstream, wire } = bench
    const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`
    const at = await exchange(app.url, patch([CHUNKED, JSON_TYPE], `${chunk.repeat(4)}0\r\n\r\n`))
    t.equal(at.replies[0]?.status, 200, 'the limit itself is allowed')
    for (const [name, content] of Object.entries({
      'by one byte': `${chunk.repeat(4)}1\r\nx\r\n0\r\n\r\n`,
      'by a chunk': `${chunk.repeat(5)}0\r\n\r\n`,
      'in one chunk': `1388\r\n${'x'.repeat(5_000)}\r\n0\r\n\r\n`,
      'without an end': chunk.repeat(100),
    })) {
      await t.test(name, async (t) => {
        const receivedBefore = upstream.requests.length
        const sentBefore = wire.text.length
        const { replies, closed } = await exchange(app.url, patch([CHUNKED, JSON_TYPE], content), 2)
        checkProblem(t, replies[0], 'content_too_large', false)
        t.equal(replies[0]?.headers.get('connection'), 'close')
        t.equal(replies.length, 1)
        t.ok(closed)
        t.notMatch(await proveAlive(t, bench, sentBefore), /\r\n0\r\n\r\n/)
        t.equal(upstream.requests.length, receivedBefore + 1, 'only the proof was received')
      })
    }
  },
)

t.test('V66 the origin allowed for one preflight or read is not shown to another', async (t) => {
  const { app, upstream } = await setUp(t)
  upstream.answer((received, res) => {
    const { origin } = received.headers
    if (origin === undefined || origin === 'https://evil.test') res.writeHead(403)
    else res.writeHead(204, { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' })
    res.end()
  })
  const preflight = async (origin: string): Promise<RawReply | undefined> => {
    const lines = [HOST, `Origin: ${origin}`, 'Access-Control-Request-Method: GET']
    const { replies } = await exchange(app.url, message('OPTIONS /customers/1 HTTP/1.1', lines))
    return replies[0]
  }
  const good = await preflight('https://app.test')
  t.equal(good?.headers.get('access-control-allow-origin'), 'https://app.test')
  const evil = await preflight('https://evil.test')
  t.equal(evil?.status, 403)
  t.equal(evil?.headers.get('access-control-allow-origin'), undefined)
  const again = await preflight('https://app.test')
  t.equal(again?.headers.get('access-control-allow-origin'), 'https://app.test')
  t.equal(upstream.requests.length, 2, 'the same origin’s is remembered')
  t.same(
    upstream.requests.map(({ headers }) => headers.authorization),
    [undefined, undefined],
  )
})

t.test('V66 a read is sent without its Origin, so no answer depends on it', async (t) => {
  const { app, upstream } = await setUp(t)
  const answers = []
  for (const origin of ['https://app.test', 'https://evil.test']) {
    const { replies } = await exchange(app.url, clean(1, `Origin: ${origin}`))
    answers.push(replies[0]?.headers.get('access-control-allow-origin'))
  }
  t.same(answers, ['*', '*'])
  t.equal(upstream.requests.length, 1)
  t.equal(upstream.requests[0]?.headers.origin, undefined)
})

t.test('V67 HEAD has the headers of GET and no body, and stores the whole answer', async (t) => {
  const { app, upstream } = await setUp(t)
  const head = message('HEAD /customers/1 HTTP/1.1', [...BASE, 'Connection: close'])
  const miss = await exchange(app.url, head, 1, true)
  const get = await exchange(app.url, clean(1, 'Connection: close'))
  const hit = await exchange(app.url, head, 1, true)
  t.equal(upstream.requests.length, 1)
  t.equal(upstream.requests[0]?.method, 'GET')
  t.equal(miss.replies[0]?.headers.get('cache-status'), STORED)
  t.equal(hit.replies[0]?.headers.get('cache-status'), 'layby; hit; ttl=300; detail=memory')
  for (const { text } of [miss, hit])
    t.equal(text.split('\r\n\r\n')[1], '', 'no byte after the head')
  const lines = (result: typeof hit): string[] =>
    result.replies[0]?.lines.filter((line) => !line.startsWith('X-Request-Id')) ?? []
  t.same(lines(hit), lines(get))
  t.equal(get.replies[0]?.body.length, Number(hit.replies[0]?.headers.get('content-length')))
})

t.test(
  'V68 letter case of names and scheme makes no second entry, that of the token does',
  async (t) => {
    const { app, upstream } = await setUp(t)
    const as = (line: string): string =>
      message('GET /customers/1 HTTP/1.1', [HOST, line, 'x-TENANT-id: 7', API_VERSION])
    await exchange(app.url, as('authorization: Bearer token-one.aaaa'))
    await exchange(app.url, as('AUTHORIZATION: bearer token-one.aaaa'))
    await exchange(app.url, as('Authorization: BEARER token-one.aaaa'))
    t.equal(upstream.requests.length, 1)
    await exchange(app.url, as('Authorization: Bearer token-one.aaaA'))
    t.equal(upstream.requests.length, 2)
  },
)

t.test('what follows a request that came whole costs it nothing', async (t) => {
  const { app, upstream } = await setUp(t)
  for (const [name, bytes] of Object.entries({
    'garbage after a read': `${clean(1)}${CANARY}\r\n\r\n`,
    'garbage after a hit': `${clean(1)}\0\0\0`,
    'garbage after a write': `${sized('{}', JSON_TYPE)}GET\r\n\r\n`,
    'bytes after the last request': `${clean(2, 'Connection: close')}GET / HTTP/1.1\r\n\r\n`,
    'empty lines after the last request': `${clean(2, 'Connection: close')}\r\n\r\n`,
  })) {
    await t.test(name, async (t) => {
      const before = upstream.requests.length
      const { replies, closed } = await exchange(app.url, bytes, 3)
      t.equal(replies[0]?.status, 200)
      t.ok(closed)
      // What is complete before the garbage is looked at leaves that an answer of its own: on the fast path
      // every read, otherwise one from memory.
      const isComplete = name === 'garbage after a hit' || (FAST_PATH && /a read/.test(name))
      if (isComplete) checkProblem(t, replies[1], 'malformed_request', false)
      else t.equal(replies.length, 1)
      t.ok(upstream.requests.length <= before + 1)
    })
  }
})

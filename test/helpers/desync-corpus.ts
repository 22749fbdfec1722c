/**
 * Families of bytes that have made HTTP implementations disagree on where a message ends or what it says,
 * written anew from what is published of them (HTTP Garden, Http11Probe, RFC 9112). Each is followed by a
 * request that must not be mistaken for a part of it, or the other way round.
 */
import { HEADERS, VERSION } from './app.ts'

const BASE = [
  'Host: layby.test',
  `Authorization: ${HEADERS.authorization}`,
  'X-Tenant-Id: 7',
  `X-Api-Version: ${VERSION}`,
]
const JSON_TYPE = 'Content-Type: application/json'
/** What an attacker would like to get past. It is valid by itself, and must never be seen upstream. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${BASE.join('\r\n')}\r\n\r\n`

export const SMUGGLED_PATH = '/smuggled'

export function message(first: string, lines: readonly string[], content = ''): string {
  return `${[first, ...BASE, ...lines].join('\r\n')}\r\n\r\n${content}`
}

const post = (lines: readonly string[], content: string): string =>
  message('POST /things HTTP/1.1', [JSON_TYPE, ...lines], content)
const get = (lines: readonly string[], content = ''): string =>
  message('GET /customers/1 HTTP/1.1', lines, content)
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const hidden = (lead: string): string => lead + SMUGGLED

/** `Transfer-Encoding` lines that some read as chunked and others don't. */
const CODINGS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: chunked ',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding:\x0cchunked',
  'Transfer-Encoding: \x00chunked',
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: \x80chunked',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'Transfer-Encoding\x00: chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding\r\n: chunked',
  ' Transfer-Encoding: chunked',
  'Transfer-Encoding: cow',
  'Transfer-Encoding:',
]
const LENGTHS = [
  '0',
  '00',
  '+0',
  '-0',
  '0x0',
  '0 ',
  ' 0',
  '0,0',
  '0, 0',
  '0;0',
  '0.0',
  '0e0',
  '0\x00',
  '\x0b0',
  '\x0c0',
  '1_0',
  '18446744073709551616',
  '9007199254740993',
  '-1',
  '',
  '""',
  'NaN',
  '٣',
  '0\t',
  '5 5',
  '5\r\n 5',
]
/** Content that is chunked as it should be: what follows it is a request of its own. */
const WHOLE_CHUNKS = [
  `${chunk('{}')}0\r\n\r\n`,
  `0\r\n\r\n`,
  `02\r\n{}\r\n00\r\n\r\n`,
  `2;a=b\r\n{}\r\n0\r\n\r\n`,
  `2\r\n{}\r\n0\r\nX-Tenant-Id: 8\r\n\r\n`,
]
/** Content that only some would take for chunked. */
const BROKEN_CHUNKS = [
  `0\n\n`,
  `2\n{}\n0\n\n`,
  `2\r\n{}0\r\n\r\n`,
  `2\r\n{}\n0\r\n\r\n`,
  `2\r{}\r0\r\r`,
  `+2\r\n{}\r\n0\r\n\r\n`,
  `-2\r\n{}\r\n0\r\n\r\n`,
  `0x2\r\n{}\r\n0\r\n\r\n`,
  `2_0\r\n{}\r\n0\r\n\r\n`,
  ` 2\r\n{}\r\n0\r\n\r\n`,
  `2 \r\n{}\r\n0\r\n\r\n`,
  `\r\n2\r\n{}\r\n0\r\n\r\n`,
  `2;a="\r\n"\r\n{}\r\n0\r\n\r\n`,
  `2;a=\nb\r\n{}\r\n0\r\n\r\n`,
  `2;a\rb\r\n{}\r\n0\r\n\r\n`,
  `2;\x00\r\n{}\r\n0\r\n\r\n`,
  `${'f'.repeat(17)}\r\n{}\r\n0\r\n\r\n`,
  `10000000000000002\r\n{}\r\n0\r\n\r\n`,
  `2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n`,
  `2\r\n{}\r\n0\r\nX y\r\n\r\n`,
  `2\r\n{}\r\n0\r\n: y\r\n\r\n`,
  `2\r\n{}\r\n0\r\n`,
  `2\r\n{}XX0\r\n\r\n`,
  `g\r\n{}\r\n0\r\n\r\n`,
  `2\r\n{}\r\n-0\r\n\r\n`,
]
const FIRST_LINES = [
  'GET /customers/1 HTTP/1.1 ',
  ' GET /customers/1 HTTP/1.1',
  'GET  /customers/1 HTTP/1.1',
  'GET\t/customers/1\tHTTP/1.1',
  'GET /customers/1  HTTP/1.1',
  'GET /customers/1 HTTP/1.1\t',
  'GET /customers/1',
  'GET /customers/1 HTTP/0.9',
  'GET /customers/1 HTTP/1.0',
  'GET /customers/1 HTTP/1.2',
  'GET /customers/1 HTTP/2.0',
  'GET /customers/1 HTTP/11',
  'GET /customers/1 HTTP/1.1.1',
  'GET /customers/1 http/1.1',
  'GET /customers/1 HTTP/ 1.1',
  'GET /customers/1 HTTPS/1.1',
  'GET /customers/1 HTTP/01.1',
  'GET /customers/1 HTTP/1.',
  'GET /customers/1 RTSP/1.0',
  'get /customers/1 HTTP/1.1',
  'GET\x00 /customers/1 HTTP/1.1',
  'G ET /customers/1 HTTP/1.1',
  'GET /cust omers/1 HTTP/1.1',
  'GET /customers/1#a HTTP/1.1',
  'GET http://a/customers/1 HTTP/1.1',
  'GET //a/customers/1 HTTP/1.1',
  'GET a HTTP/1.1',
  'GET * HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'CONNECT a:1 HTTP/1.1',
  'PRI * HTTP/2.0',
  'TRACE / HTTP/1.1',
  'FOO / HTTP/1.1',
  '\r\nGET /customers/1 HTTP/1.1',
  '\r\n\r\nGET /customers/1 HTTP/1.1',
  '\nGET /customers/1 HTTP/1.1',
  '\0GET /customers/1 HTTP/1.1',
  '\xef\xbb\xbfGET /customers/1 HTTP/1.1',
  'GET /customers/\xc3\xa9 HTTP/1.1',
  'GET /customers/\x7f HTTP/1.1',
  'GET /customers/1\x0b HTTP/1.1',
  'GET /customers/1?\x00 HTTP/1.1',
]
const FIELD_LINES = [
  'X : y',
  'X\t: y',
  ': y',
  'X',
  'X y',
  ' X: y',
  '\tX: y',
  'X: y\r\n z',
  'X: y\r\n\tz',
  'X: y\rz',
  'X: y\nz',
  'X: \x00',
  'X: \x01',
  'X: \x7f',
  'X: \x80',
  'X\x00: y',
  'X\x80: y',
  '(X): y',
  'X/: y',
  'Host: other',
  'Host:',
  'Host: a b',
  'Host: a/b',
  'Host: a@b',
  'host: layby.test',
  'Connection: X-Tenant-Id',
  'Connection: close, Authorization',
  'Connection: keep-alive, X-Api-Version',
  'Connection: close',
  'Connection: upgrade\r\nUpgrade: h2c',
  'Upgrade: websocket',
  'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Expect:',
  'TE: trailers',
  'Trailer: X-Tenant-Id',
  'X-Tenant-Id: 8',
  'x_tenant_id: 8',
  'Authorization: Bearer other.token',
  'Proxy-Connection: close',
  'Keep-Alive: timeout=1',
  '__proto__: 1',
  'constructor: 1',
  'Range: bytes=0-0',
]

/** Name → bytes. */
export function desyncCorpus(): Map<string, string> {
  const corpus = new Map<string, string>()
  for (const coding of CODINGS) {
    corpus.set(`coding ${coding}`, post([coding], `${chunk('{}')}0\r\n\r\n`))
    corpus.set(`coding and a hidden request: ${coding}`, post([coding], hidden('0\r\n\r\n')))
    corpus.set(
      `a length before: ${coding}`,
      post(['Content-Length: 5', coding], hidden('0\r\n\r\n')),
    )
    corpus.set(
      `a length after: ${coding}`,
      post([coding, 'Content-Length: 5'], hidden('0\r\n\r\n')),
    )
    corpus.set(`on a read: ${coding}`, get([coding], hidden('0\r\n\r\n')))
  }
  for (const length of LENGTHS) {
    corpus.set(`length "${length}"`, post([`Content-Length: ${length}`], hidden('')))
    corpus.set(
      `length 2, then "${length}"`,
      post(['Content-Length: 2', `Content-Length: ${length}`], hidden('{}')),
    )
    corpus.set(`on a read: length "${length}"`, get([`Content-Length: ${length}`], hidden('')))
  }
  const chunked = 'Transfer-Encoding: chunked'
  for (const [kind, contents] of [
    ['whole', WHOLE_CHUNKS],
    ['broken', BROKEN_CHUNKS],
  ] as const) {
    for (const content of contents) {
      const name = `${kind} chunks ${JSON.stringify(content)}`
      corpus.set(name, post([chunked], content))
      corpus.set(`${name} and a hidden request`, post([chunked], hidden(content)))
    }
  }
  for (const first of FIRST_LINES)
    corpus.set(`first line ${JSON.stringify(first)}`, message(first, []))
  for (const line of FIELD_LINES) {
    corpus.set(`field ${JSON.stringify(line)}`, get([line]))
    corpus.set(`field ${JSON.stringify(line)} of a write`, post([line, 'Content-Length: 2'], '{}'))
  }
  const all = [...corpus]
  for (const [name, bytes] of all) {
    if (/^(field|first)/.test(name)) corpus.set(`bare LF: ${name}`, bytes.replaceAll('\r\n', '\n'))
  }
  return corpus
}

/** The grammar of `wire/head.ts`: what is recognised, what may still become so, and what is left to Node. */
import t from 'tap'
import { MAX_HEAD_BYTES, readHead } from '../../../src/wire/head.ts'

const LINES = ['Host: layby.test', 'X-Tenant-Id: 7', 'Accept: application/json']

function head(first = 'GET /customers/1 HTTP/1.1', lines: readonly string[] = LINES): string {
  return `${[first, ...lines].join('\r\n')}\r\n\r\n`
}

t.test('a plain head is read as Node reads it', (t) => {
  const text = head('GET /customers/1 HTTP/1.1', ['HoSt:\t a:1 \t', 'a:', 'B: x  y\tz'])
  t.same(readHead(text, 0), {
    kind: 'head',
    raw: {
      method: 'GET',
      url: '/customers/1',
      httpVersion: '1.1',
      rawHeaders: ['HoSt', 'a:1', 'a', '', 'B', 'x  y\tz'],
    },
    end: text.length,
  })
  t.end()
})

t.test('the next head begins where this one ends', (t) => {
  const text = `${head()}${head('HEAD /b HTTP/1.1')}rest`
  const first = readHead(text, 0)
  t.equal(first.kind, 'head')
  const second = readHead(text, first.kind === 'head' ? first.end : 0)
  t.match(second, { kind: 'head', raw: { method: 'HEAD', url: '/b' }, end: text.length - 4 })
  t.end()
})

t.test('every beginning of a head may become one', (t) => {
  for (const method of [
    'GET',
    'HEAD',
    'OPTIONS',
    'DELETE',
    'POST',
    'QUERY',
    "!#$%&'*+.^_`|~",
    'get',
  ]) {
    const text = head(`${method} /customers/1 HTTP/1.1`)
    for (let length = 1; length < text.length; length++) {
      t.equal(readHead(text.slice(0, length), 0).kind, 'incomplete', text.slice(0, length))
    }
  }
  t.end()
})

const OTHERS: Readonly<Record<string, string>> = {
  'a method that is no token': head('G(T /customers/1 HTTP/1.1'),
  'the beginning of a method that is no token': 'GE/',
  'a method of 33 characters': head(`${'A'.repeat(33)} /customers/1 HTTP/1.1`),
  'the beginning of a method of 33 characters': 'A'.repeat(33),
  'no method': head(' /customers/1 HTTP/1.1'),
  'the beginning of a target in another form': 'GET h',
  'content of a method that has some': head('POST / HTTP/1.1', ['Content-Length: 2']),
  'HTTP/1.0': head('GET /customers/1 HTTP/1.0'),
  'a version in small letters': head('GET /customers/1 http/1.1'),
  'two spaces': head('GET  /customers/1 HTTP/1.1'),
  'a tab in the request line': head('GET\t/customers/1 HTTP/1.1'),
  'absolute form': head('GET http://a/customers/1 HTTP/1.1'),
  'asterisk form': head('OPTIONS * HTTP/1.1'),
  'a byte above 0x7E in the target': head('GET /customers/\u00e9 HTTP/1.1'),
  'DEL in the target': head('GET /customers/\x7f HTTP/1.1'),
  'an empty line first': `\r\n${head()}`,
  'bare LF after the request line': head().replace('\r\n', '\n'),
  'bare LF after a header': head('GET / HTTP/1.1', ['A: b\nC: d']),
  'bare CR in a value': head('GET / HTTP/1.1', ['A: b\rC: d']),
  'a folded line': head('GET / HTTP/1.1', ['A: b', ' c']),
  'a byte above 0x7E in a value': head('GET / HTTP/1.1', ['A: \u00e9']),
  'a control character in a value': head('GET / HTTP/1.1', ['A: \x01']),
  'a space before the colon': head('GET / HTTP/1.1', ['A : b']),
  'a space before the name': head('GET / HTTP/1.1', [' A: b']),
  'no name': head('GET / HTTP/1.1', [': b']),
  'no colon': head('GET / HTTP/1.1', ['Ab']),
  'a length': head('GET / HTTP/1.1', ['Content-Length: 0']),
  'a length in capitals': head('GET / HTTP/1.1', ['A: b', 'CONTENT-LENGTH: 0']),
  'a transfer coding': head('GET / HTTP/1.1', ['Transfer-Encoding: chunked']),
  'an expectation': head('GET / HTTP/1.1', ['Expect: 100-continue']),
  'an upgrade': head('GET / HTTP/1.1', ['Upgrade: h2c']),
  'Proxy-Connection': head('GET / HTTP/1.1', ['Proxy-Connection: keep-alive']),
  'Connection: close': head('GET / HTTP/1.1', ['Connection: close']),
  'two connection options': head('GET / HTTP/1.1', ['Connection: keep-alive, x-tenant-id']),
  'no connection option': head('GET / HTTP/1.1', ['Connection: ']),
  'a second Connection line': head('GET / HTTP/1.1', ['Connection: keep-alive', 'connection: a']),
}
for (const [what, text] of Object.entries(OTHERS)) {
  t.test(`left to Node: ${what}`, (t) => {
    t.equal(readHead(text, 0).kind, 'other')
    t.end()
  })
}

t.test('keep-alive is no reason to leave it to Node', (t) => {
  for (const line of [
    'Connection: keep-alive',
    'connection:Keep-Alive \t',
    'CONNECTION: KEEP-ALIVE',
  ]) {
    t.equal(readHead(head('GET / HTTP/1.1', [line]), 0).kind, 'head', line)
  }
  // Only a line of its own counts, not a value that looks like one.
  t.equal(readHead(head('GET / HTTP/1.1', ['A: connection: close']), 0).kind, 'head')
  t.end()
})

t.test('a head is recognised up to its greatest length, complete or not', (t) => {
  const filled = (size: number): string => {
    const rest = size - head('GET / HTTP/1.1', ['A: ']).length
    return head('GET / HTTP/1.1', [`A: ${'x'.repeat(rest)}`])
  }
  t.equal(readHead(filled(MAX_HEAD_BYTES), 0).kind, 'head')
  t.equal(readHead(filled(MAX_HEAD_BYTES + 1), 0).kind, 'other')
  t.equal(readHead(filled(MAX_HEAD_BYTES + 9).slice(0, MAX_HEAD_BYTES), 0).kind, 'incomplete')
  t.equal(readHead(filled(MAX_HEAD_BYTES + 9).slice(0, MAX_HEAD_BYTES + 1), 0).kind, 'other')
  t.end()
})

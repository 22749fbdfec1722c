import t from 'tap'
import { MAX_HEAD_BYTES } from '../../../src/wire/head.ts'
import { type Recognised, Recogniser } from '../../../src/wire/recognise.ts'
import { HEADERS } from '../../helpers/app.ts'

const FIRST = '0198c0de-0000-7000-8000-000000000001'
const SECOND = '0198c0de-0000-7000-8000-000000000002'
const MADE_UP = '0198c0de-0000-7000-8000-0000000000ff'
const LINE = 'GET /customers/1 HTTP/1.1'

function head(line: string, ...more: string[]): string {
  const contract = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`)
  return [line, 'Host: a', ...contract, ...more, '', ''].join('\r\n')
}

function recogniser(): Recogniser {
  return new Recogniser(() => MADE_UP)
}

/** After each of the others, on the same connection. */
function after(before: readonly string[], text: string): Recognised {
  const one = recogniser()
  for (const each of before) one.recognise(each, 0)
  return one.recognise(text, 0)
}

function request(found: Recognised): Extract<Recognised, { kind: 'request' }> {
  if (found.kind !== 'request') throw new Error(found.kind)
  return found
}

t.test('a head that differs in its request id alone shares its notes with the one before', (t) => {
  const one = recogniser()
  const first = request(one.recognise(head(LINE, `X-Request-Id: ${FIRST}`), 0))
  const second = request(one.recognise(head(LINE, `X-Request-Id: ${SECOND}`), 0))
  t.equal(first.head.requestId, FIRST)
  t.equal(second.head.requestId, SECOND)
  t.equal(second.head.notes, first.head.notes)
  t.same(second.raw.rawHeaders.slice(-2), ['X-Request-Id', SECOND])
  t.end()
})

t.test('a head with the same header block and another path has notes of its own', (t) => {
  const one = recogniser()
  const first = request(one.recognise(head(LINE, `X-Request-Id: ${FIRST}`), 0))
  const other = head('HEAD /customers/2?x=1 HTTP/1.1', `X-Request-Id: ${SECOND}`)
  const second = request(one.recognise(`${other}GET /`, 0))
  t.not(second.head.notes, first.head.notes)
  t.match(second.head, { method: 'HEAD', path: '/customers/2', query: 'x=1', requestId: SECOND })
  t.match(second.raw, { method: 'HEAD', url: '/customers/2?x=1', httpVersion: '1.1' })
  t.equal(second.end, other.length)
  t.end()
})

t.test('without a request id, each head like the last gets a new one', (t) => {
  let made = 0
  const one = new Recogniser(() => `${FIRST.slice(0, -1)}${++made}`)
  const ids = [1, 2, 3].map(() => request(one.recognise(head(LINE), 0)).head.requestId.slice(-1))
  t.same(ids, ['1', '2', '3'])
  t.end()
})

t.test('a trace that is another each time does not make it another head', (t) => {
  const trace = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`
  const text = (id: string, digit: string): string =>
    head(LINE, `Traceparent: ${trace(digit)}`, `X-Request-Id: ${id}`, 'Tracestate: a=1')
  const one = recogniser()
  const first = request(one.recognise(text(FIRST, 'a'), 0))
  const second = request(one.recognise(text(SECOND, 'b'), 0))
  t.equal(second.head.notes, first.head.notes)
  t.match(second.head, { requestId: SECOND, traceparent: trace('b'), tracestate: 'a=1' })
  const other = head(
    'GET /customers/2 HTTP/1.1',
    `Traceparent: ${trace('c')}`,
    `X-Request-Id: ${FIRST}`,
    'Tracestate: a=1',
  )
  t.match(request(one.recognise(other, 0)).head, { requestId: FIRST, traceparent: trace('c') })
  const doubtful = text(FIRST, 'a').replace(trace('a'), `${trace('a').slice(0, -1)},`)
  t.match(request(one.recognise(doubtful, 0)).head, { traceparent: `${trace('a').slice(0, -1)},` })
  t.end()
})

t.test('another header with the value of the request id is not taken for it', (t) => {
  const text = (id: string): string => head(LINE, `X-Trace: ${id}`, `X-Request-Id: ${FIRST}`)
  t.equal(request(after([text(FIRST)], text(SECOND))).head.requestId, FIRST)
  t.end()
})

t.test('what is no longer the same is read and judged anew', (t) => {
  const known = head(LINE, `X-Request-Id: ${FIRST}`)
  for (const [text, kind] of [
    [known.replace(FIRST, FIRST.replace('-', 'g')), 'request'],
    [known.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\n'), 'other'],
    [known.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), 'other'],
    [known.replace(/tenant-id: 7/i, 'tenant-id: 07'), 'other'],
    [known.replace('HTTP/1.1', 'HTTP/1.0'), 'other'],
    [known.replace('/customers/1', '/customers/%31'), 'other'],
    [known.replace('GET', 'get'), 'request'],
    [known.replace('GET', 'G(T'), 'other'],
    [known.replace('GET', 'TRACE'), 'other'],
    [known.slice(0, -1), 'incomplete'],
    [known.slice(0, known.indexOf(FIRST) + 9), 'incomplete'],
    [LINE, 'incomplete'],
  ] as const) {
    t.equal(after([known], text).kind, kind, JSON.stringify(text.slice(-60)))
    t.same(after([known], text).kind, after([], text).kind)
  }
  t.end()
})

t.test('a known header block after too long a request line is not taken on', (t) => {
  const block = `X-Request-Id: ${FIRST}`
  const path = `/customers/${'1'.repeat(MAX_HEAD_BYTES)}`
  t.equal(after([head(LINE, block)], head(`GET ${path} HTTP/1.1`, block)).kind, 'other')
  t.end()
})

t.test('a head that came with much else is not remembered, and read all the same', (t) => {
  const text = head(LINE, `X-Request-Id: ${FIRST}`)
  const one = recogniser()
  const first = request(one.recognise(text + 'x'.repeat(2 * MAX_HEAD_BYTES), 0))
  t.not(request(one.recognise(text, 0)).head.notes, first.head.notes)
  t.end()
})

import t from 'tap'
import {
  endToEndHeaders,
  passedHeaders,
  passedOn,
  readHeaders,
} from '../../../src/upstream/headers.ts'

const CALL = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  isSampled: true,
  state: null,
}
const TRACE = ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']
const ID = '0198c0de-0000-7000-8000-000000000001'

t.test('a customer read tells the upstream exactly this', (t) => {
  const asked = { authorization: 'Bearer a.b', tenant: '7', version: '2019/02/08', requestId: ID }
  const common = [
    ...['authorization', 'Bearer a.b', 'x-tenant-id', '7', 'x-request-id', ID],
    ...['accept', 'application/json', 'accept-encoding', 'identity', 'via', '1.1 layby'],
    ...TRACE,
  ]
  t.same(readHeaders(asked, CALL), [...common, 'x-api-version', '2019/02/08'])
  t.same(readHeaders({ ...asked, version: null }, CALL), common, 'absent is a form of its own')
  t.same(readHeaders({ ...asked, version: null }, { ...CALL, state: 'a=1' }), [
    ...common,
    ...['tracestate', 'a=1'],
  ])
  t.end()
})

const PASSED = [
  'Accept',
  'Authorization',
  'Cache-Control',
  'Content-Encoding',
  'Content-Range',
  'CONTENT-TYPE',
  'If-Match',
  'If-None-Match',
  'Range',
  'x-tenant-id',
  'X-Api-Version',
  'User-Agent',
]
const DROPPED = [
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Proxy-Authorization',
  'Host',
  'Expect',
  'Cookie',
  'Forwarded',
  'X-Forwarded-For',
  'X-HTTP-Method-Override',
  'Pragma',
  'Traceparent',
  'tracestate',
  'X-Anything',
  '__proto__',
  'x_tenant_id',
]

t.test('what passes is named, and keeps value and order', (t) => {
  const raw = [...PASSED, ...DROPPED].flatMap((name) => [name, `value of ${name}`])
  t.same(passedHeaders(passedOn(raw, false), ID, CALL), [
    ...PASSED.flatMap((name) => [name.toLowerCase(), `value of ${name}`]),
    ...['x-request-id', ID, 'via', '1.1 layby', ...TRACE],
  ])
  t.end()
})

t.test('on a cached route no condition on our own tags and no range goes upstream', (t) => {
  const raw = ['If-None-Match', '"a"', 'Range', 'bytes=0-0', 'If-Range', '"a"', 'If-Match', '"b"']
  t.same(passedHeaders(passedOn(raw, true), ID, CALL), [
    'if-match',
    '"b"',
    'x-request-id',
    ID,
    'via',
    '1.1 layby',
    ...TRACE,
  ])
  t.end()
})

t.test('the client’s own x-request-id and Via are replaced and continued', (t) => {
  t.same(
    passedHeaders(
      passedOn(['X-Request-Id', 'theirs', 'Via', '1.0 a', 'VIA', '1.1 b (c)'], false),
      ID,
      CALL,
    ),
    [...['x-request-id', ID, 'via', '1.0 a, 1.1 b (c), 1.1 layby', ...TRACE]],
  )
  t.end()
})

t.test('of an answer, hop-by-hop fields and those that Connection names are dropped', (t) => {
  const raw = [
    ...['Connection', 'x-Secret, Keep-Alive', 'X-Secret', 's', 'X-SECRET', 's', 'Keep-Alive', '5'],
    ...['connection', ' X-Late ', 'X-Late', 's', 'Proxy-Authenticate', 's', 'Trailer', 's'],
    ...['TE', 's', 'Upgrade', 's', 'Transfer-Encoding', 'chunked', 'Proxy-Connection', 's'],
    ...['HTTP2-Settings', 's', 'X-Kept', 'a', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
  ]
  t.same(endToEndHeaders(raw), [
    ['x-kept', 'a'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ])
  t.end()
})

t.test('white space at the end of a value is not part of it', (t) => {
  t.same(endToEndHeaders(['A', 'b  c \t ', 'D', ' \t', 'E', 'f\xa0']), [
    ['a', 'b  c'],
    ['d', ''],
    ['e', 'f\xa0'],
  ])
  t.end()
})

t.test('one field that is none spoils the whole answer', (t) => {
  for (const [name, value] of [
    ['', 'a'],
    ['a b', 'a'],
    ['a:', 'a'],
    ['a\n', 'a'],
    ['a\xe4', 'a'],
    ['(a)', 'a'],
    ['a', 'b\0'],
    ['a', 'b\rc'],
    ['a', 'b\nc'],
    ['a', 'b\x1b'],
    ['a', 'b\x7f'],
  ] as const) {
    t.equal(endToEndHeaders(['X-Fine', 'a', name, value]), null, JSON.stringify([name, value]))
  }
  t.same(endToEndHeaders(['A', 'tab\tinside \xe4 \xff']), [['a', 'tab\tinside \xe4 \xff']])
  t.same(endToEndHeaders([]), [])
  t.end()
})

import t from 'tap'
import { hit, outcome } from '../../../src/cache/outcome.ts'
import type { HeaderList, Representation } from '../../../src/cache/records.ts'
import {
  hasDate,
  headersOf,
  isPlain,
  relayedAnswer,
  representationAnswer,
  type WireAnswer,
} from '../../../src/http/answer.ts'
import type { RequestHead } from '../../../src/http/validate.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'
const HEAD: RequestHead = {
  method: 'GET',
  path: '/customers/1',
  query: null,
  requestId: ID,
  authorization: 'Bearer a.b',
  tenant: '7',
  version: null,
  cacheControl: null,
  pragma: null,
  ifNoneMatch: null,
  acceptEncoding: null,
  traceparent: null,
  tracestate: null,
  notes: { plan: null, passedOn: null },
}
const ETAG = '"noAUUuJrsMN8nKfDR2nN0g"'
const OWN_VARY = 'Authorization, X-Tenant-Id, X-Api-Version, Accept-Encoding'
const EXPOSED = 'Age, ETag, Cache-Status, Server-Timing, Retry-After, X-Request-Id, X-Api-Version'

function representation(headers: HeaderList, date: string | null = null): Representation {
  return {
    kind: 'representation',
    digest: 'd',
    status: 200,
    reason: 'OK, here',
    headers,
    date,
    body: Buffer.from('{"é": 1}'),
    etag: ETAG,
    version: '2019/02/08',
    generatedAt: 0,
    servedAt: 0,
    confirmedAt: 0,
    freshUntil: 1,
    staleUntil: 1,
    stamp: [],
  }
}

/** Names in lower case; a name that comes twice is joined. */
function fields(answer: WireAnswer): Map<string, string> {
  const headers = headersOf(answer)
  const map = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const before = map.get(name)
    map.set(
      name,
      before === undefined ? (headers[i + 1] as string) : `${before} | ${headers[i + 1]}`,
    )
  }
  return map
}

/** The bytes that go on the wire, read as UTF-8: a short body is latin1 text. */
function text({ body }: WireAnswer): string {
  return Buffer.isBuffer(body) ? String(body) : Buffer.from(String(body), 'latin1').toString()
}

const KEPT: HeaderList = [
  ['content-type', 'application/json'],
  ['x-api-version', '2019/02/08'],
  ['allow', 'GET,PATCH'],
  ['access-control-allow-origin', '*'],
  ['access-control-expose-headers', 'X-Own'],
  ['vary', 'Accept, authorization, Origin'],
]
const DATE = 'Sat, 20 Aug 2022 10:11:12 GMT'
const HIT = hit('memory', 19, 41)

t.test('a hit has the stored head, and the rules of wire.md', (t) => {
  const answer = representationAnswer(representation(KEPT, DATE), HIT, HEAD)
  t.equal(answer.status, 200)
  t.equal(answer.reason, 'OK, here')
  t.equal(text(answer), '{"é": 1}')
  t.same(Object.fromEntries(fields(answer)), {
    'content-type': 'application/json',
    'x-api-version': '2019/02/08',
    allow: 'GET,PATCH',
    'access-control-allow-origin': '*',
    'content-length': '9',
    etag: ETAG,
    'cache-control': 'private, no-cache',
    'cdn-cache-control': 'no-store',
    vary: `${OWN_VARY}, Accept, Origin`,
    via: '1.1 layby',
    date: DATE,
    'access-control-expose-headers': `X-Own, ${EXPOSED}`,
    'x-request-id': ID,
    age: '19',
    'cache-status': 'layby; hit; ttl=41; detail=memory',
  })
  t.end()
})

t.test('a body goes out as it was stored, short or long', (t) => {
  for (const size of [0, 1, 16_384, 16_385, 100_000]) {
    const body = Buffer.from(Array.from({ length: size }, (_, i) => i % 256))
    const answer = representationAnswer({ ...representation(KEPT), body }, HIT, HEAD)
    const sent = Buffer.isBuffer(answer.body)
      ? answer.body
      : Buffer.from(String(answer.body), 'latin1')
    t.ok(sent.equals(body), String(size))
    t.equal(fields(answer).get('content-length'), String(size))
  }
  t.end()
})

t.test('a 304 has exactly the fields that wire.md repeats', (t) => {
  const told = representationAnswer(representation(KEPT, DATE), HIT, { ...HEAD, ifNoneMatch: ETAG })
  t.equal(told.status, 304)
  t.equal(told.reason, 'Not Modified')
  t.equal(told.body, null)
  t.same(Object.fromEntries(fields(told)), {
    etag: ETAG,
    'cache-control': 'private, no-cache',
    'cdn-cache-control': 'no-store',
    vary: `${OWN_VARY}, Accept, Origin`,
    via: '1.1 layby',
    date: DATE,
    age: '19',
    'x-request-id': ID,
    'x-api-version': '2019/02/08',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': `X-Own, ${EXPOSED}`,
    'cache-status': 'layby; hit; ttl=41; detail=memory',
  })
  t.end()
})

t.test('each form of a body is made once', (t) => {
  const long = { ...representation(KEPT), body: Buffer.alloc(5_000, '{"driver": 1}') }
  const bodyFor = (acceptEncoding: string | null): WireAnswer['body'] =>
    representationAnswer(long, HIT, { ...HEAD, acceptEncoding }).body
  for (const coding of ['br', 'gzip', null]) t.equal(bodyFor(coding), bodyFor(coding))
  t.not(bodyFor('br'), bodyFor('gzip'))
  t.equal(bodyFor(null), long.body)
  t.end()
})

t.test('a 304 is made only where the tag matches', (t) => {
  for (const [ifNoneMatch, status] of [
    [null, 200],
    ['"other"', 200],
    ['', 200],
    [`W/${ETAG}`, 304],
    [`"other", ${ETAG}`, 304],
    ['*', 304],
  ] as const) {
    const answer = representationAnswer(representation(KEPT), HIT, { ...HEAD, ifNoneMatch })
    t.equal(answer.status, status, String(ifNoneMatch))
  }
  t.end()
})

t.test('answers of one representation share nothing of an exchange', (t) => {
  const stored = representation(KEPT)
  const first = representationAnswer(stored, HIT, HEAD)
  const other = { ...HEAD, requestId: ID.replace(/1$/, '2') }
  const second = representationAnswer(stored, hit('memory', 20, 40), other)
  t.equal(fields(first).get('x-request-id'), ID)
  t.equal(fields(second).get('x-request-id'), other.requestId)
  t.equal(fields(second).get('age'), '20')
  t.equal(fields(second).get('cache-status'), 'layby; hit; ttl=40; detail=memory')
  t.end()
})

t.test('a fill has no Age, and without CORS nothing is exposed', (t) => {
  const told = outcome('fill', { forward: 'uri-miss', stored: true, ttl: 60 })
  const got = fields(representationAnswer(representation([['content-type', 'a/b']]), told, HEAD))
  t.notOk(got.has('age'))
  t.notOk(got.has('access-control-expose-headers'))
  t.notOk(got.has('date'), 'the server adds its own')
  t.equal(got.get('vary'), OWN_VARY)
  t.end()
})

const FILL = outcome('fill', { forward: 'uri-miss', detail: 'reject.status' })

function relay(headers: HeaderList, onCachedRoute: boolean, status = 200): Map<string, string> {
  const answer = { status, reason: 'As it was', headers, body: null }
  return fields(relayedAnswer(answer, FILL, HEAD, onCachedRoute))
}

const VARY_CASES: readonly (readonly [upstream: HeaderList, merged: string])[] = [
  [[], OWN_VARY],
  [[['vary', 'Accept']], `${OWN_VARY}, Accept`],
  [[['vary', 'AUTHORIZATION, x-tenant-id,X-API-version ,accept-encoding']], OWN_VARY],
  [
    [
      ['vary', 'Origin'],
      ['vary', 'Accept'],
    ],
    `${OWN_VARY}, Origin, Accept`,
  ],
  [[['vary', '*']], `${OWN_VARY}, *`],
  [[['vary', ' , ,']], OWN_VARY],
]

for (const [upstream, merged] of VARY_CASES) {
  t.test(`Vary ${JSON.stringify(upstream.map(([, value]) => value))} becomes ${merged}`, (t) => {
    t.equal(relay(upstream, true).get('vary'), merged)
    t.end()
  })
}

const CONTROL_CASES: readonly (readonly [upstream: string | null, status: number, told: string])[] =
  [
    [null, 200, 'private, no-cache'],
    [null, 302, 'private, no-cache'],
    [null, 400, 'no-store'],
    [null, 503, 'no-store'],
    ['public, s-maxage=600', 200, 'private, no-cache'],
    ['public, max-age=600', 404, 'no-store'],
    ['max-age=600, immutable', 200, 'private, no-cache'],
    ['no-store', 200, 'no-store'],
    ['No-Store', 200, 'No-Store'],
    ['no-store, max-age=0', 200, 'no-store, max-age=0'],
    ['private, no-store', 404, 'private, no-store'],
    ['x-no-store, no-stores', 200, 'private, no-cache'],
  ]

for (const [upstream, status, told] of CONTROL_CASES) {
  t.test(`Cache-Control ${upstream} on ${status} is told as ${told}`, (t) => {
    const headers: HeaderList = upstream === null ? [] : [['cache-control', upstream]]
    const got = relay(headers, true, status)
    t.equal(got.get('cache-control'), told)
    t.equal(got.get('cdn-cache-control'), 'no-store')
    t.notMatch(got.get('cache-control'), /public|s-maxage/)
    t.end()
  })
}

t.test('an answer on a cached route hides what wire.md never emits', (t) => {
  const got = relay(
    [
      ['server', 'WSGIServer/0.2'],
      ['age', '5'],
      ['access-control-allow-origin', '*'],
      ['access-control-expose-headers', 'X-Own'],
      ['x-kept', 'a'],
    ],
    true,
  )
  t.notOk(got.has('server'))
  t.notOk(got.has('age'))
  t.equal(got.get('x-kept'), 'a')
  t.equal(got.get('access-control-expose-headers'), `X-Own, ${EXPOSED}`)
  t.end()
})

t.test('an answer elsewhere keeps all but the fields of the exchange', (t) => {
  const upstream: HeaderList = [
    ['server', 'WSGIServer/0.2'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['cache-control', 'public'],
    ['vary', 'Accept'],
    ['x-request-id', 'theirs'],
    ['cdn-cache-control', 'max-age=5'],
    ['via', '1.0 fred'],
    ['cache-status', 'origin; hit'],
  ]
  t.same(Object.fromEntries(relay(upstream, false)), {
    server: 'WSGIServer/0.2',
    'set-cookie': 'a=1 | b=2',
    'cache-control': 'public',
    vary: 'Accept',
    'cdn-cache-control': 'no-store',
    via: '1.0 fred, 1.1 layby',
    'x-request-id': ID,
    'cache-status': 'origin; hit, layby; fwd=uri-miss; detail=reject.status',
  })
  t.end()
})

t.test('status, reason and body are relayed as they are', (t) => {
  const body = Buffer.from('é')
  const answer = relayedAnswer({ status: 409, reason: 'A: b', headers: [], body }, FILL, HEAD, true)
  t.equal(answer.status, 409)
  t.equal(answer.reason, 'A: b')
  t.equal(text(answer), 'é')
  const long = { status: 200, reason: 'OK', headers: [], body: Buffer.alloc(100_000, 'é') }
  t.equal(relayedAnswer(long, FILL, HEAD, true).body, long.body, 'not copied')
  t.end()
})

t.test('a value that reads like a name is no header', (t) => {
  const body = Buffer.from('')
  const dateOf = (headers: HeaderList): boolean =>
    hasDate(relayedAnswer({ status: 404, reason: '', headers, body }, FILL, HEAD, false))
  t.notOk(dateOf([['x-says', 'date']]))
  t.ok(dateOf([['date', DATE]]))
  t.end()
})

t.test('what is kept of a head is as long as the head', (t) => {
  for (const ifNoneMatch of [null, ETAG]) {
    const { head } = representationAnswer(representation(KEPT, DATE), HIT, { ...HEAD, ifNoneMatch })
    const start = isPlain(head) ? null : head.block.start
    t.equal(start?.buffer.byteLength, start?.length)
    t.match(String(start), /^HTTP/)
  }
  t.end()
})

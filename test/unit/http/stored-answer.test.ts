import t from 'tap'
import { hit, type Outcome, outcome } from '../../../src/cache/outcome.ts'
import type { HeaderList, Representation } from '../../../src/cache/records.ts'
import { isPlain, type WireAnswer } from '../../../src/http/answer.ts'
import { AS_THE_API_SAYS } from '../../../src/http/cors-fields.ts'
import { StoredAnswers } from '../../../src/http/stored-answer.ts'
import type { RequestHead } from '../../../src/http/validate.ts'
import { bodyText, fieldsOf } from '../../helpers/wire-answer.ts'

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
  origin: null,
  requestedMethod: null,
  requestedHeaders: null,
  ifMatch: null,
  ifNoneMatch: null,
  acceptEncoding: null,
  forwardsLeft: null,
  traceparent: null,
  tracestate: null,
  notes: { plan: null, passedOn: null, readersKeys: null },
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

const answers = new StoredAnswers({ clientMaxAgeSeconds: 0, clientStaleIfErrorSeconds: 0 })

function representationAnswer(
  stored: Representation,
  told: Outcome,
  head: RequestHead,
): WireAnswer {
  const hit = {
    kind: 'representation',
    representation: stored,
    received: null,
    outcome: told,
  } as const
  return answers.of(hit, head, AS_THE_API_SAYS, null)
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
  t.equal(bodyText(answer), '{"é": 1}')
  t.same(Object.fromEntries(fieldsOf(answer)), {
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
    t.equal(fieldsOf(answer).get('content-length'), String(size))
  }
  t.end()
})

t.test('a 304 has exactly the fields that wire.md repeats', (t) => {
  const told = representationAnswer(representation(KEPT, DATE), HIT, { ...HEAD, ifNoneMatch: ETAG })
  t.equal(told.status, 304)
  t.equal(told.reason, 'Not Modified')
  t.equal(told.body, null)
  t.same(Object.fromEntries(fieldsOf(told)), {
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
  t.equal(fieldsOf(first).get('x-request-id'), ID)
  t.equal(fieldsOf(second).get('x-request-id'), other.requestId)
  t.equal(fieldsOf(second).get('age'), '20')
  t.equal(fieldsOf(second).get('cache-status'), 'layby; hit; ttl=40; detail=memory')
  t.end()
})

t.test('a fill has no Age, and without CORS nothing is exposed', (t) => {
  const told = outcome('fill', { forward: 'uri-miss', stored: true, ttl: 60 })
  const got = fieldsOf(representationAnswer(representation([['content-type', 'a/b']]), told, HEAD))
  t.notOk(got.has('age'))
  t.notOk(got.has('access-control-expose-headers'))
  t.notOk(got.has('date'), 'the server adds its own')
  t.equal(got.get('vary'), OWN_VARY)
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

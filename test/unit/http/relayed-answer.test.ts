import t from 'tap'
import { outcome } from '../../../src/cache/outcome.ts'
import type { HeaderList } from '../../../src/cache/records.ts'
import { hasDate } from '../../../src/http/answer.ts'
import { AS_THE_API_SAYS } from '../../../src/http/cors-fields.ts'
import { CACHED_READ, relayedAnswer, type Target } from '../../../src/http/relayed-answer.ts'
import type { RequestHead } from '../../../src/http/validate.ts'
import { bodyText, fieldsOf } from '../../helpers/wire-answer.ts'

const FACTS = { readers: AS_THE_API_SAYS, timing: null }
const ID = '0198c0de-0000-7000-8000-000000000001'
const HEAD = { requestId: ID, origin: null } as RequestHead
const OWN_VARY = 'Authorization, X-Tenant-Id, X-Api-Version, Accept-Encoding'
const EXPOSED = 'Age, ETag, Cache-Status, Server-Timing, Retry-After, X-Request-Id, X-Api-Version'

const DATE = 'Sat, 20 Aug 2022 10:11:12 GMT'

const FILL = outcome('fill', { forward: 'uri-miss', detail: 'reject.status' })

const ELSEWHERE: Target = { isCachedRead: false, isCached: false }

function relay(headers: HeaderList, onCachedRoute: boolean, status = 200): Map<string, string> {
  const answer = { status, reason: 'As it was', headers, body: null }
  return fieldsOf(relayedAnswer(answer, FILL, HEAD, onCachedRoute ? CACHED_READ : ELSEWHERE, FACTS))
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
  const answer = relayedAnswer(
    { status: 409, reason: 'A: b', headers: [], body },
    FILL,
    HEAD,
    CACHED_READ,
    FACTS,
  )
  t.equal(answer.status, 409)
  t.equal(answer.reason, 'A: b')
  t.equal(bodyText(answer), 'é')
  const long = { status: 200, reason: 'OK', headers: [], body: Buffer.alloc(100_000, 'é') }
  t.equal(relayedAnswer(long, FILL, HEAD, CACHED_READ, FACTS).body, long.body, 'not copied')
  t.end()
})

t.test('a value that reads like a name is no header', (t) => {
  const body = Buffer.from('')
  const dateOf = (headers: HeaderList): boolean =>
    hasDate(relayedAnswer({ status: 404, reason: '', headers, body }, FILL, HEAD, ELSEWHERE, FACTS))
  t.notOk(dateOf([['x-says', 'date']]))
  t.ok(dateOf([['date', DATE]]))
  t.end()
})

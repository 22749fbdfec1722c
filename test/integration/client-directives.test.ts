import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const asking = (cacheControl: string) => ({ headers: { 'cache-control': cacheControl } })

t.test('an answer to no-store is not stored, and shown to nobody else', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (let i = 1; i <= 3; i++) {
    const { headers } = await app.get('/customers/1/', asking('no-store'))
    t.equal(headers['cache-status'], 'layby; fwd=request; detail=no-store')
    t.equal(headers['age'], undefined)
    t.equal(upstream.requests.length, i)
  }
  t.match((await app.get('/customers/1/')).headers['cache-status'], /uri-miss; stored/)
  t.equal(upstream.requests.length, 4)
})

/** Each asks for something fresher than a copy, however young it is. */
const FORCING: readonly Record<string, string>[] = [
  { 'cache-control': 'no-cache' },
  { 'cache-control': 'max-age=0' },
  { pragma: 'no-cache' },
  { 'cache-control': 'min-fresh=99999' },
  { 'cache-control': 'no-store' },
  { 'cache-control': 'no-store, no-cache, must-revalidate, max-age=0' },
  { 'cache-control': 'max-age=10, min-fresh=300' },
  { 'cache-control': 'a b' },
  { 'cache-control': 'no-cache, stale-if-error=60' },
]
/** None, and one from before the answer was made for us: the upstream has a cache of its own. */
const UPSTREAM_AGES: readonly Record<string, string>[] = [{}, { Age: '100' }]

for (const [i, headers] of FORCING.entries())
  for (const [j, fields] of UPSTREAM_AGES.entries()) {
    const title = `${Object.values(headers)} reaches the API once a second${j === 1 ? ', whatever age it states' : ''}`
    t.test(title, async (t) => {
      const upstream = await startUpstream(t, (received, res) =>
        sendJson(res, received, '{"id": 1, "parent_id": null}', fields),
      )
      const app = await buildTestApp(t, upstream.url)
      await app.get('/customers/1/')
      for (let second = 1; second <= 3; second++) {
        for (let n = 0; n < 4; n++) {
          const { headers: told } = await app.get('/customers/1/', { headers })
          const isForwarded = second > 1 && n === 0
          t.match(told['cache-status'], isForwarded ? /fwd=request/ : /hit/, `${i} ${second} ${n}`)
        }
        t.equal(upstream.requests.length, second)
        app.clock.advance(1_001)
      }
    })
  }

t.test('conditions and ranges reach no API', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  app.clock.advance(60_000)
  for (const headers of [
    { range: 'bytes=0-1' },
    { range: 'bytes=0-1', 'if-range': '"x"' },
    { 'if-match': '"x"' },
    { 'if-none-match': '"x"' },
    { 'if-modified-since': 'Tue, 24 Nov 2026 10:00:00 GMT' },
    { 'if-unmodified-since': 'Tue, 24 Nov 2020 10:00:00 GMT' },
    { accept: 'text/plain' },
    { 'cache-control': 'no-transform, max-stale' },
  ]) {
    const reply = await app.get('/customers/1/', { headers })
    t.equal(reply.status, 200)
    t.match(reply.headers['cache-status'], /hit/)
  }
  t.equal(upstream.requests.length, 1)
})

t.test('what no-store brings to light ends the copy that says otherwise', async (t) => {
  const body = (name: string) => `{"id": 1, "parent_id": null, "name": "${name}"}`
  let name = 'old'
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, body(name)))
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  app.clock.advance(1_001)
  name = 'new'
  t.equal((await app.get('/customers/1/', asking('no-store'))).body, body('new'))
  const next = await app.get('/customers/1/')
  t.equal(next.body, body('new'), 'nobody goes back in time')
  t.match(next.headers['cache-status'], /stored/)
  t.equal(upstream.requests.length, 3)
})

t.test('reads with no-store at once ask once, and take a place of their tenant', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantReads: 1 } })
  upstream.hold()
  const same = Array.from({ length: 10 }, () => app.get('/customers/1/', asking('no-store')))
  await upstream.received(1)
  const others = Array.from({ length: 5 }, (_, i) =>
    app.get(`/customers/${i + 2}/`, asking('no-store')),
  )
  await app.lookedUp(15)
  t.equal(upstream.requests.length, 1, 'one at once for the tenant')
  upstream.release()
  const replies = await Promise.all([...same, ...others])
  t.ok(replies.every(({ status }) => status === 200))
  t.equal(upstream.requests.length, 6)
})

t.test('a read that is to be stored does not wait for one that is not', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  upstream.hold()
  const unstored = app.get('/customers/1/', asking('no-store'))
  await upstream.received(1)
  const stored = app.get('/customers/1/')
  await upstream.received(2)
  upstream.release()
  t.match((await stored).headers['cache-status'], /stored/)
  t.match((await unstored).headers['cache-status'], /no-store/)
  t.match((await app.get('/customers/1/')).headers['cache-status'], /hit/)
})

t.test('who holds the same bytes does not wait for a read that is not stored', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { cache: { ttlMs: 10_000 } })
  const other = { headers: { authorization: 'Bearer token-two.bbbb' } }
  await app.get('/customers/1/')
  await app.get('/customers/1/', other)
  app.clock.advance(11_000)
  upstream.hold()
  const unstored = app.get('/customers/1/', asking('no-store'))
  await upstream.received(3)
  const stored = app.get('/customers/1/', other)
  await upstream.received(4)
  upstream.release()
  t.match((await stored).headers['cache-status'], /stored/)
  t.match((await unstored).headers['cache-status'], /no-store/)
})

t.test('no-store gets no stale copy when the API fails, unless it asks for one', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { cache: { staleIfErrorMs: 600_000 } })
  await app.get('/customers/1/')
  upstream.answer((received, res) => sendJson(res, received, '{}', {}, 503))
  app.clock.advance(5_000)
  t.equal((await app.get('/customers/1/', asking('no-store'))).status, 503)
  t.equal((await app.get('/customers/1/', asking('no-store, stale-if-error=60'))).status, 200)
})

t.test('max-age and min-fresh are honoured', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  app.clock.advance(60_000)
  t.match((await app.get('/customers/1/', asking('max-age=60'))).headers['cache-status'], /hit/)
  t.match((await app.get('/customers/1/', asking('min-fresh=240'))).headers['cache-status'], /hit/)
  t.match(
    (await app.get('/customers/1/', asking('min-fresh=241'))).headers['cache-status'],
    /fwd=request/,
  )
  app.clock.advance(60_000)
  t.match(
    (await app.get('/customers/1/', asking('max-age=59'))).headers['cache-status'],
    /fwd=request/,
  )
})

t.test('only-if-cached is a hit or a 504, and never a request upstream', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const miss = await app.get('/customers/1/', asking('only-if-cached'))
  t.equal(miss.status, 504)
  t.equal((JSON.parse(miss.body) as { code: string }).code, 'not_cached')
  t.equal(miss.headers['cache-status'], undefined)
  t.equal(upstream.requests.length, 0)
  await app.get('/customers/1/')
  t.equal((await app.get('/customers/1/', asking('only-if-cached'))).status, 200)
})

t.test(
  'If-None-Match is answered with 304 from the store, also for another spelling of the tag',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    const { headers } = await app.get('/customers/1/')
    const etag = String(headers['etag'])
    t.match(etag, /^"[A-Za-z0-9_-]{22}"$/)
    app.clock.advance(5_000)
    for (const field of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const reply = await app.get('/customers/1', { headers: { 'if-none-match': field } })
      t.equal(reply.status, 304)
      t.equal(reply.body, '')
      t.equal(reply.headers['cache-status'], 'layby; hit; ttl=295; detail=memory')
      t.equal(reply.headers['age'], '5')
      for (const name of [
        'etag',
        'cache-control',
        'vary',
        'date',
        'x-api-version',
        'cdn-cache-control',
      ]) {
        t.equal(reply.headers[name], headers[name], name)
      }
      t.equal(reply.headers['content-length'], undefined)
    }
    t.equal(
      (await app.get('/customers/1', { headers: { 'if-none-match': '"other"' } })).status,
      200,
    )
    t.equal(upstream.requests.length, 1)
  },
)

t.test('a tag never tells one credential what another was given', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    const mine = received.headers.authorization?.includes('two') ? 'two' : 'one'
    sendJson(res, received, `{"name": "${mine}", "parent_id": null}`)
  })
  const app = await buildTestApp(t, upstream.url)
  const { headers } = await app.get('/customers/1/')
  const other = await app.get('/customers/1/', {
    headers: { authorization: 'Bearer token-two.bbbb', 'if-none-match': String(headers['etag']) },
  })
  t.equal(other.status, 200)
  t.equal(upstream.requests[1]?.headers['if-none-match'], undefined, 'our tag is not sent upstream')
})

t.test('the same bytes have different tags in two tenants and two versions', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const tags = new Set<unknown>()
  for (const tenant of ['7', '8'])
    for (const version of ['2019/02/08', '2023/04/19']) {
      const { headers } = await app.get('/customers/1/', {
        headers: { 'x-tenant-id': tenant, 'x-api-version': version },
      })
      tags.add(headers['etag'])
    }
  t.equal(tags.size, 4)
})

t.test('HEAD is answered from a stored GET, and by a GET when nothing is stored', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const miss = await app.get('/customers/1/', { method: 'HEAD' })
  t.equal(miss.status, 200)
  t.equal(miss.body, '')
  t.equal(upstream.requests[0]?.method, 'GET')
  const get = await app.get('/customers/1/')
  t.match(get.headers['cache-status'], /hit/)
  t.ok(get.body.length > 0, 'no entry without a body was stored')
  const head = await app.get('/customers/1/', { method: 'HEAD' })
  t.equal(head.headers['content-length'], get.headers['content-length'])
  t.equal(head.headers['etag'], get.headers['etag'])
  t.equal(upstream.requests.length, 1)
})

t.test('each answer that must not be stored says why, and is passed on as it is', async (t) => {
  const cases: [string, Record<string, string>, (string | number)?][] = [
    ['no-store', { 'Cache-Control': 'no-store' }],
    ['private', { 'Cache-Control': 'private' }],
    ['no-cache', { 'Cache-Control': 'no-cache' }],
    ['cache-control', { 'Cache-Control': 'max-age="' }],
    ['expired', { 'Cache-Control': 'max-age=0' }],
    ['expired', { Expires: '0' }],
    ['set-cookie', { 'Set-Cookie': 'a=b' }],
    ['vary', { Vary: '*' }],
    ['vary', { Vary: 'X-Unkeyed' }],
    ['type', { 'Content-Type': 'text/html' }],
    ['encoding', { 'Content-Encoding': 'gzip' }],
    ['version', { 'X-API-VERSION': '2021/04/07' }],
    ['body', {}, '{"cut'],
    ['body', {}, '{"parent_id": "x"}'],
    ['status', {}, 500],
  ]
  for (const [reason, headers, special] of cases) {
    const upstream = await startUpstream(t, (received, res) => {
      const body = typeof special === 'string' ? special : '{"id": 1, "parent_id": null}'
      sendJson(res, received, body, headers, typeof special === 'number' ? special : 200)
    })
    const app = await buildTestApp(t, upstream.url)
    for (let i = 0; i < 2; i++) {
      const reply = await app.get('/customers/1/')
      t.equal(reply.headers['cache-status'], `layby; fwd=uri-miss; detail=reject.${reason}`)
      t.equal(reply.status, typeof special === 'number' ? special : 200)
    }
    t.equal(upstream.requests.length, 2, reason)
  }
})

t.test('a shorter lifetime of the upstream’s wins, a longer one does not', async (t) => {
  const cases: [Record<string, string>, number][] = [
    [{ 'Cache-Control': 'max-age=60' }, 60],
    [{ 'Cache-Control': 'max-age=60, s-maxage=30' }, 30],
    [{ 'Cache-Control': 'max-age=9000' }, 300],
    [{ Age: '100' }, 200],
    [{ Date: 'Tue, 24 Nov 2026 10:00:00 GMT', Expires: 'Tue, 24 Nov 2026 10:00:45 GMT' }, 45],
  ]
  for (const [headers, ttl] of cases) {
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, '{"id": 1, "parent_id": null}', headers),
    )
    const app = await buildTestApp(t, upstream.url)
    t.equal(
      (await app.get('/customers/1/')).headers['cache-status'],
      `layby; fwd=uri-miss; stored; ttl=${ttl}`,
    )
    const age = Number(headers['Age'] ?? 0)
    t.equal((await app.get('/customers/1/')).headers['age'], String(age))
  }
})

t.test('the lifetime varies by the jitter, either way', async (t) => {
  const upstream = await startUpstream(t)
  for (const [random, ttl] of [
    [0, 270],
    [0.5, 300],
    [0.9999, 329],
  ] as const) {
    const app = await buildTestApp(
      t,
      upstream.url,
      { cache: { ttlJitter: 0.1 } },
      { random: () => random },
    )
    t.equal(
      (await app.get('/customers/1/')).headers['cache-status'],
      `layby; fwd=uri-miss; stored; ttl=${ttl}`,
    )
  }
})

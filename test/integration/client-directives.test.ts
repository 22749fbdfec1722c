import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const asking = (cacheControl: string) => ({ headers: { 'cache-control': cacheControl } })

t.test('no-store is neither looked up nor stored', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const first = await app.get('/customers/1/', asking('no-store'))
  t.equal(first.headers['cache-status'], 'layby; fwd=request; detail=no-store')
  t.match((await app.get('/customers/1/')).headers['cache-status'], /uri-miss; stored/)
  await app.get('/customers/1/', asking('no-store'))
  t.equal(upstream.requests.length, 3)
})

t.test('no-cache, max-age=0 and Pragma refresh once a second and no oftener', async (t) => {
  for (const headers of [
    { 'cache-control': 'no-cache' },
    { 'cache-control': 'max-age=0' },
    { pragma: 'no-cache' },
  ]) {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    await app.get('/customers/1/')
    t.match((await app.get('/customers/1/', { headers })).headers['cache-status'], /hit/)
    app.clock.advance(1_001)
    const refreshed = await app.get('/customers/1/', { headers })
    t.equal(refreshed.headers['cache-status'], 'layby; fwd=request; stored; ttl=300')
    for (let i = 0; i < 5; i++) await app.get('/customers/1/', { headers })
    t.equal(upstream.requests.length, 2)
  }
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

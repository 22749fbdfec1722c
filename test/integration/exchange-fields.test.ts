/** What an answer tells of its exchange: `Cache-Status` and `Server-Timing`, the API's own beside Layby's. */
import t from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { buildTestApp } from '../helpers/app.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { until } from '../helpers/until.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const BODY = '{"id": 1, "parent_id": null}'

t.test('Cache-Status of the API is kept on a fill and appended to, if it parses', async (t) => {
  let theirs: string | string[] = ''
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { 'Cache-Status': theirs }),
  )
  const app = await buildTestApp(t, upstream.url)
  const cases = [
    ['origin; hit; ttl=5', 'origin; hit; ttl=5, '],
    [['a; hit', '"b c"; fwd=miss'], 'a; hit, "b c"; fwd=miss, '],
    ['HIT from b', ''],
    ['a; hit=', ''],
    ['', ''],
    [['a; hit', 'b hit'], ''],
  ] as const
  for (const [i, [said, kept]] of cases.entries()) {
    theirs = typeof said === 'string' ? said : [...said]
    const path = `/customers/${i + 1}`
    const status = async (target: string, headers = {}): Promise<unknown> =>
      (await app.get(target, { headers })).headers['cache-status']
    t.equal(await status(path), `${kept}layby; fwd=uri-miss; stored; ttl=300`)
    t.equal(await status(path), 'layby; hit; ttl=300; detail=memory', 'of the exchange alone')
    t.equal(await status(`${path}?a=b`), `${kept}layby; fwd=bypass; detail=query`)
    t.equal(await status(`/things/${i}`), `${kept}layby; fwd=bypass`)
  }
})

t.test('one who waits for the fill of another is told nothing of that exchange', async (t) => {
  const fields = { 'Cache-Status': 'origin; hit', 'Server-Timing': 'db;dur=5' }
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, BODY, fields))
  const app = await buildTestApp(t, upstream.url, { server: { timing: true } })
  upstream.hold()
  const replies = [app.get('/customers/1'), app.get('/customers/1')]
  await app.lookedUp(2)
  await upstream.received(1)
  upstream.release()
  const heads = (await Promise.all(replies)).map(({ headers }) => headers)
  const followers = heads.filter((headers) => /collapsed/.test(String(headers['cache-status'])))
  t.equal(followers.length, 1)
  t.match(followers[0]?.['cache-status'], /^layby; /)
  t.match(followers[0]?.['server-timing'], /^cache;desc="memory";dur=0, wait;dur=0, total;dur=0$/)
  const leaders = heads.filter((headers) =>
    /^origin; hit, layby/.test(String(headers['cache-status'])),
  )
  t.equal(leaders.length, 1)
  t.match(leaders[0]?.['server-timing'], /^db;dur=5, cache;/)
})

t.test('Server-Timing of the API is kept, and Layby adds none unless it is told to', async (t) => {
  const fields = { 'Server-Timing': ['db;dur=5', 'app;dur=6'] }
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, BODY, fields))
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/1', '/customers/1?a=b', '/things']) {
    t.equal((await app.get(path)).headers['server-timing'], 'db;dur=5, app;dur=6', path)
  }
  const hit = await app.get('/customers/1')
  t.match(hit.headers['cache-status'], 'hit')
  t.equal(hit.headers['server-timing'], undefined)
})

t.test('Server-Timing has the parts that happened, and how long they took', async (t) => {
  const fields = { 'Server-Timing': 'db;dur=5' }
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, BODY, fields))
  const values = { server: { timing: true } }
  const app = await buildTestApp(t, upstream.url, values)
  const timing = async (path: string, method = 'GET'): Promise<string> =>
    String((await app.get(path, { method })).headers['server-timing'])
  upstream.answer((received, res) => {
    app.clock.advance(143)
    sendJson(res, received, BODY, fields)
  })
  t.equal(
    await timing('/customers/1'),
    'db;dur=5, cache;desc="memory";dur=0, upstream;dur=143, total;dur=143',
  )
  t.equal(await timing('/customers/1'), 'cache;desc="memory";dur=0, total;dur=0')
  t.equal(await timing('/customers/1?a=b'), 'db;dur=5, upstream;dur=143, total;dur=143')
  t.equal(await timing('/things', 'DELETE'), 'db;dur=5, upstream;dur=143, total;dur=143')
})

t.test('Server-Timing has the time of Redis, where that was asked', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const values = { server: { timing: true }, redis: { url: redis.url } }
  const app = await buildTestApp(t, upstream.url, values, { clock: systemClock })
  let id = 0
  let timing = ''
  // Redis is used once the instance is in contact with it.
  await until(async () => {
    timing = String((await app.get(`/customers/${++id}`)).headers['server-timing'])
    return timing.includes('redis')
  })
  const dur = 'dur=[0-9.]+'
  const parts = `cache;desc="memory";${dur}, redis;${dur}(, wait;${dur})?, upstream;${dur}, total;${dur}`
  t.match(timing, new RegExp(`^${parts}$`))
})

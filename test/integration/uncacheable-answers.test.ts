import t from 'tap'
import { type Ask, buildTestApp, type Reply, type TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const BODY = '{"id": 1, "parent_id": null}'
const TWO: Ask = { headers: { authorization: 'Bearer token-two.bbbb' } }

/** Each answer that policy rejects, with the word for it. */
const REJECTED: readonly {
  readonly reason: string
  readonly headers?: Record<string, string>
  readonly status?: number
  readonly body?: string
}[] = [
  { reason: 'no-store', headers: { 'Cache-Control': 'no-store' } },
  { reason: 'private', headers: { 'Cache-Control': 'private' } },
  { reason: 'no-cache', headers: { 'Cache-Control': 'no-cache' } },
  { reason: 'cache-control', headers: { 'Cache-Control': 'max-age="' } },
  { reason: 'expired', headers: { 'Cache-Control': 'max-age=0' } },
  { reason: 'expired', headers: { Expires: '0' } },
  { reason: 'set-cookie', headers: { 'Set-Cookie': 'session=1' } },
  { reason: 'vary', headers: { Vary: '*' } },
  { reason: 'vary', headers: { Vary: 'Accept-Language' } },
  { reason: 'type', headers: { 'Content-Type': 'text/html' } },
  { reason: 'encoding', headers: { 'Content-Encoding': 'gzip' } },
  { reason: 'version', headers: { 'X-API-VERSION': '2021/04/07' } },
  { reason: 'body', body: '[1]' },
  { reason: 'status', status: 404 },
  { reason: 'status', status: 409 },
  { reason: 'status', status: 503 },
]

/** So many reads at once, all of them under way before the upstream answers the first. */
async function readTogether(
  app: TestApp,
  upstream: ScriptedUpstream,
  count: number,
  before = 0,
): Promise<Reply[]> {
  const asked = upstream.requests.length
  upstream.hold()
  const reads = Array.from({ length: count }, () => app.get('/customers/1/'))
  await app.lookedUp(before + count)
  await upstream.received(asked + 1)
  upstream.release()
  return Promise.all(reads)
}

t.test('an answer that policy rejects is for the one that asked', async (t) => {
  for (const { reason, headers = {}, status = 200, body = BODY } of REJECTED) {
    const upstream = await startUpstream(t, (received, res, n) =>
      sendJson(res, received, body, { ...headers, 'X-Answer': String(n) }, status),
    )
    const app = await buildTestApp(t, upstream.url)
    const replies = await readTogether(app, upstream, 3)
    const told = JSON.stringify(headers) + status
    t.same(upstream.requests.length, 3, `${told}: each has asked`)
    t.same(replies.map((each) => each.headers['x-answer']).sort(), ['1', '2', '3'], told)
    const statuses = replies.map((each) => each.headers['cache-status']).sort()
    t.same(statuses, [
      `layby; fwd=uri-miss; collapsed=?0; detail=reject.${reason}`,
      `layby; fwd=uri-miss; collapsed=?0; detail=reject.${reason}`,
      `layby; fwd=uri-miss; detail=reject.${reason}`,
    ])
  }
})

t.test('a cookie is set for the one client that it was made for', async (t) => {
  const upstream = await startUpstream(t, (received, res, n) =>
    sendJson(res, received, BODY, { 'Set-Cookie': `session=${n}` }),
  )
  const app = await buildTestApp(t, upstream.url)
  const cookies = (await readTogether(app, upstream, 5)).map((each) => each.headers['set-cookie'])
  t.equal(new Set(cookies.map(String)).size, 5)
})

t.test('a view that could not be kept lately is not waited for', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { 'Cache-Control': 'no-store' }),
  )
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  upstream.hold()
  const reads = Array.from({ length: 4 }, () => app.get('/customers/1/'))
  // All four arrive while none is answered.
  await until(() => upstream.requests.length === 5)
  upstream.release()
  for (const { status } of await Promise.all(reads)) t.equal(status, 200)

  app.clock.advance(10_000)
  upstream.answer((received, res) => sendJson(res, received, BODY))
  const later = await readTogether(app, upstream, 4, 5)
  t.equal(upstream.requests.length, 6, 'after 10 s it is')
  t.equal(
    later.filter((each) => /collapsed; /.test(String(each.headers['cache-status']))).length,
    3,
  )
})

t.test('one answer that can be kept ends that', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { 'Cache-Control': 'no-store' }),
  )
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  upstream.answer((received, res) =>
    sendJson(res, received, BODY, { 'Cache-Control': 'max-age=1' }),
  )
  await app.get('/customers/1/')
  app.clock.advance(1_000)
  await readTogether(app, upstream, 4, 2)
  t.equal(upstream.requests.length, 3)
})

t.test('a failure is no property of a view: the next reads are one request again', async (t) => {
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, '{}', {}, 503))
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1/')
  upstream.answer((received, res) => sendJson(res, received, BODY))
  await readTogether(app, upstream, 4, 1)
  t.equal(upstream.requests.length, 2)
})

t.test(
  'who waited and holds a stale copy is served it, and does not ask a failing upstream',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, { cache: { staleIfErrorMs: 300_000 } })
    await app.get('/customers/1/')
    app.clock.advance(301_000)
    upstream.answer((received, res) => sendJson(res, received, '{}', {}, 503))
    const replies = await readTogether(app, upstream, 4, 1)
    for (const { status, headers } of replies) {
      t.equal(status, 200)
      t.match(headers['cache-status'], /detail=sie/)
    }
    t.equal(upstream.requests.length, 2)
  },
)

t.test(
  'who waits for another’s refresh asks alone when that brings what can’t be kept',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, { cache: { credentialTtlMs: 900_000 } })
    await app.get('/customers/1/')
    await app.get('/customers/1/', TWO)
    app.clock.advance(301_000)
    upstream.answer((received, res, n) =>
      sendJson(res, received, BODY, { 'Set-Cookie': `session=${n}` }),
    )
    upstream.hold()
    const leader = app.get('/customers/1/')
    await upstream.received(3)
    const followers = [app.get('/customers/1/', TWO), app.get('/customers/1/', TWO)]
    await app.lookedUp(5)
    upstream.release()
    t.equal(String((await leader).headers['set-cookie']), 'session=3')
    for (const { headers } of await Promise.all(followers)) {
      t.match(headers['cache-status'], /collapsed=\?0; detail=reject.set-cookie/)
    }
    t.equal(upstream.requests.length, 5)
  },
)

t.test('instances don’t queue behind one another for what can’t be kept', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, BODY, { 'Cache-Control': 'no-store' }),
  )
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const apps = await startInstances(t, 3, upstream.url, patient)
  upstream.hold()
  const reads = apps.map((app) => app.get('/customers/1/'))
  await upstream.received(1)
  for (const app of apps) await app.lookedUp(1)
  upstream.release()
  upstream.hold()
  await upstream.received(3)
  upstream.release()
  for (const { status } of await Promise.all(reads)) t.equal(status, 200)
})

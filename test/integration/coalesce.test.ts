import t from 'tap'
import type { Report } from '../../src/cache/report.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLogger } from '../../src/lib/logger.ts'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.test('1,000 concurrent cold reads of one key are one upstream request', async (t) => {
  const upstream = await startUpstream(t)
  const finished: { kind: string; at: number }[] = []
  const noted = ({ outcome }: Report) =>
    finished.push({ kind: outcome.kind, at: systemClock.monotonic() })
  const log = createLogger('warn')
  const overrides = { clock: systemClock, log, reporter: { finished: noted } }
  const app = await buildTestApp(t, upstream.url, {}, overrides)
  const delays: number[] = []
  // Several rounds, so that the figure is not that of code which runs for the first time.
  for (let round = 1; round <= 5; round++) {
    upstream.hold()
    finished.length = 0
    const reads = Array.from({ length: 1_000 }, () => app.get(`/customers/${round}/`))
    await app.lookedUp(1_000 * round)
    await upstream.received(round)
    upstream.release()
    const replies = await Promise.all(reads)
    t.equal(upstream.requests.length, round)
    t.equal(new Set(replies.map(({ body }) => body)).size, 1)
    t.equal(new Set(replies.map(({ headers }) => headers['x-request-id'])).size, 1_000)
    const followers = replies.filter(
      ({ headers }) =>
        headers['cache-status'] === 'layby; fwd=uri-miss; collapsed; detail=follower',
    )
    t.equal(followers.length, 999)
    const leaderAt = finished.find(({ kind }) => kind === 'fill')?.at ?? Number.NaN
    delays.push(Math.max(...finished.map(({ at }) => at - leaderAt)))
  }
  t.comment(
    `last of 999 followers after the leader: ${delays.map((ms) => ms.toFixed(1)).join(', ')} ms`,
  )
  t.ok(
    Math.min(...delays) < 500,
    'woken, not polling: the goal is 20 ms, the bound allows for a busy machine',
  )
})

t.test('a follower survives the leader going away', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  upstream.hold()
  const leaving = new AbortController()
  const leader = fetch(`${app.url}/customers/1/`, {
    signal: leaving.signal,
    headers: {
      authorization: 'Bearer token-one.aaaa',
      'x-tenant-id': '7',
      'x-api-version': '2023/04/19',
    },
  }).catch((error: Error) => error.name)
  await upstream.received(1)
  const follower = app.get('/customers/1/')
  await app.lookedUp(2)
  leaving.abort()
  t.equal(await leader, 'AbortError')
  upstream.release()
  t.equal((await follower).status, 200)
  t.equal(upstream.requests.length, 1)
})

t.test('a cold miss is never shared between credentials', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  upstream.hold()
  const one = app.get('/customers/1/')
  const two = app.get('/customers/1/', { headers: { authorization: 'Bearer token-two.bbbb' } })
  await upstream.received(2)
  upstream.release()
  t.match((await one).headers['cache-status'], /uri-miss; stored/)
  t.match((await two).headers['cache-status'], /uri-miss; stored/)
})

t.test('who holds the same bytes may wait for another’s refresh of them', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { cache: { credentialTtlMs: 900_000 } })
  const two = { headers: { authorization: 'Bearer token-two.bbbb' } }
  await app.get('/customers/1/')
  await app.get('/customers/1/', two)
  app.clock.advance(301_000)
  upstream.hold()
  const leader = app.get('/customers/1/')
  await upstream.received(3)
  const follower = app.get('/customers/1/', two)
  await app.lookedUp(4)
  upstream.release()
  t.equal(
    (await leader).headers['cache-status'],
    'layby; fwd=stale; fwd-status=200; stored; ttl=300',
  )
  t.equal((await follower).headers['cache-status'], 'layby; fwd=stale; collapsed; detail=follower')
  t.equal(upstream.requests.length, 3)
  t.type(app.reports.at(-1)?.outcome.leaderRequestId, 'string')
})

t.test('a refresh that brings other bytes is none of a follower’s business', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { cache: { credentialTtlMs: 900_000 } })
  const two = { headers: { authorization: 'Bearer token-two.bbbb' } }
  await app.get('/customers/1/')
  await app.get('/customers/1/', two)
  app.clock.advance(301_000)
  upstream.answer((received, res) => {
    const mine = received.headers.authorization?.includes('one') ? 'changed' : 'Plain'
    sendJson(res, received, `{"id": 1, "name": "${mine}", "parent_id": null}`)
  })
  upstream.hold()
  const leader = app.get('/customers/1/')
  await upstream.received(3)
  const follower = app.get('/customers/1/', two)
  await app.lookedUp(4)
  app.clock.advance(1)
  upstream.release()
  t.match((await leader).body, /changed/)
  t.match((await follower).body, /Plain/)
  t.equal(upstream.requests.length, 4)
})

t.test('a body above the limit is streamed to each, and to nobody else', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    sendJson(res, received, `{"id": 1, "note": "${'x'.repeat(5_000)}", "parent_id": null}`)
  })
  const app = await buildTestApp(t, upstream.url, { cache: { maxBodyBytes: 1_000 } })
  upstream.hold()
  const leader = app.get('/customers/1/')
  await upstream.received(1)
  const follower = app.get('/customers/1/')
  await app.lookedUp(2)
  upstream.release()
  const replies = [await leader, await follower]
  t.equal(replies[0]?.headers['cache-status'], 'layby; fwd=uri-miss; detail=reject.size')
  for (const { body } of replies)
    t.equal(body.length, 5_000 + '{"id": 1, "note": "", "parent_id": null}'.length)
  t.equal(upstream.requests.length, 2)
  t.equal((await app.get('/customers/1/')).headers['age'], undefined, 'nothing was stored')
})

t.test(
  'a follower of a failing fill hears of the failure, and the upstream of one request',
  async (t) => {
    const upstream = await startUpstream(t, (_received, res) => res.destroy())
    const app = await buildTestApp(t, upstream.url)
    upstream.hold()
    const leader = app.get('/customers/1/')
    await upstream.received(1)
    const follower = app.get('/customers/1/')
    await app.lookedUp(2)
    upstream.release()
    t.equal((await leader).status, 502)
    t.equal((await follower).status, 502)
    t.equal(upstream.requests.length, 1)
  },
)

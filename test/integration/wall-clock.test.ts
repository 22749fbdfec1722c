/** What a clock on the wall shows has no say in how old anything is (reliability C8, F43). */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { FakeClock } from '../helpers/clock.ts'
import { untilSharing } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type Script, sendJson, startUpstream } from '../helpers/upstream.ts'

const HOUR_MS = 3_600_000
const TTL_MS = 2_000

function skewed(milliseconds: number): Clock {
  return {
    monotonic: () => systemClock.monotonic(),
    wall: () => systemClock.wall() + milliseconds,
  }
}

/** Without a `Date` nothing says how old the answer was when it came: what is told is the time since then. */
const undated: Script = (received, res) => {
  res.sendDate = false
  sendJson(res, received, '{"id": 1, "parent_id": null}')
}

t.test('instances an hour apart agree on how old a record in Redis is', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, undated)
  const instances: TestApp[] = []
  for (const skew of [-HOUR_MS, 0, HOUR_MS]) {
    const values = { redis: { url: redis.url }, cache: { ttlMs: TTL_MS } }
    instances.push(await buildTestApp(t, upstream.url, values, { clock: skewed(skew) }))
  }
  await untilSharing(instances)
  for (const [n, filler] of instances.entries()) {
    const path = `/customers/${n + 1}`
    const filledAt = performance.now()
    t.match((await filler.get(path)).headers['cache-status'], /fwd=uri-miss; stored/)
    const storedAfter = performance.now() - filledAt
    const hits = [0, 0, 0]
    let tooOld = 0
    let wrongAges = 0
    while (performance.now() - filledAt < TTL_MS + 1_500) {
      for (const [i, instance] of instances.entries()) {
        const askedAt = performance.now() - filledAt
        const { headers } = await instance.get(path, {
          headers: { 'cache-control': 'only-if-cached' },
        })
        const toldAt = performance.now() - filledAt
        if (!/; hit/.test(String(headers['cache-status']))) continue
        hits[i] = (hits[i] ?? 0) + 1
        const age = 1_000 * Number(headers['age'])
        if (age < askedAt - storedAfter - 1_000 || age > toldAt + 1_000) wrongAges++
        if (askedAt > TTL_MS + 1_000) tooOld++
      }
      await delay(50)
    }
    t.ok(Math.min(...hits) > 10, `${hits} hits`)
    t.equal(tooOld, 0, 'hits after its time')
    t.equal(wrongAges, 0, 'ages that are off by more than a second')
  }
})

t.test('an instance whose clock is an hour ahead takes what the API dates for old', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, { clock: skewed(HOUR_MS) })
  for (let n = 1; n <= 2; n++) {
    const { status, headers } = await app.get('/customers/1')
    t.equal(status, 200)
    t.match(headers['cache-status'], /fwd=uri-miss; detail=reject\.expired/)
    t.equal(upstream.requests.length, n)
  }
})

t.test('a jump of the clock makes nothing older or younger', async (t) => {
  const upstream = await startUpstream(t)
  const time = new FakeClock()
  let skew = 0
  const clock = Object.assign(time, { wall: () => Date.UTC(2026, 0, 1) + time.monotonic() + skew })
  const app = await buildTestApp(t, upstream.url, { cache: { ttlMs: 5_000 } }, { clock })
  for (const jump of [HOUR_MS, -HOUR_MS]) {
    const calls = upstream.requests.length
    await app.get('/customers/1')
    skew += jump
    clock.advance(4_000)
    const hit = await app.get('/customers/1')
    t.match(hit.headers['cache-status'], /; hit; ttl=1\b/)
    t.equal(hit.headers['age'], '4')
    t.equal(upstream.requests.length, calls + 1)
    skew -= 2 * jump
    clock.advance(1_001)
    t.notMatch((await app.get('/customers/1')).headers['cache-status'], /; hit/)
    t.equal(upstream.requests.length, calls + 2)
    clock.advance(6_000)
  }
})

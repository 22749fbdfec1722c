/** Whoever can write to Redis puts back what was there: for how long that is believed, and no longer. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { CLOCK_ERROR_MS } from '../../src/stores/record-frames.ts'
import type { Reply, TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const TTL_MS = 600_000
const LIFETIMES = { ttlMs: TTL_MS, grantTtlMs: TTL_MS, credentialTtlMs: TTL_MS }
const HEADERS = { authorization: 'Bearer unique.mallory.sig' }

/** The machine's clock, and a wall clock that is ahead of it. */
function aheadBy(milliseconds: number): Clock {
  return { monotonic: systemClock.monotonic, wall: () => systemClock.wall() + milliseconds }
}

interface Attacked {
  /** Records and fences as they were before the write and the revocation, again. */
  readonly putBack: () => Promise<void>
  /** Reads through an instance that has just started, with a wall clock so far ahead. */
  readonly readLater: (laterMs: number) => Promise<{ reply: Reply; app: TestApp }>
}

/** @param status what the API answers once Redis has been put back */
async function attack(t: Test, status: 401 | 503): Promise<Attacked> {
  const redis = await startRedis(t)
  let isOver = false
  let version = 1
  const upstream = await startUpstream(t, (received, res) => {
    if (isOver) return sendJson(res, received, '{"error": "no"}', {}, status)
    if (received.method !== 'GET') version++
    sendJson(res, received, `{"id": 1, "version": ${version}, "parent_id": null}`)
  })
  const settings = { url: redis.url, commandTimeoutMs: 2_000 }
  const start = async (clock: Clock): Promise<TestApp> => {
    const values = { cache: LIFETIMES }
    const [app] = await startInstances(t, 1, upstream.url, settings, values, { clock })
    return app as TestApp
  }
  const first = await start(systemClock)
  await first.get('/customers/1', { headers: HEADERS })
  await until(async () => (await redis.cli('KEYS', '*:[gra]:*')).split('\n').length === 3)
  const client = new Redis(redis.port)
  t.teardown(() => client.disconnect())
  const kept: [key: string, value: Buffer][] = []
  for (const key of await client.keys('*:{*')) {
    kept.push([key, (await client.dumpBuffer(key)) as Buffer])
  }
  const change = { 'content-type': 'application/json', ...HEADERS }
  await first.get('/customers/1', { method: 'PATCH', headers: change, body: '{"name": "x"}' })
  isOver = true
  await first.close()
  return {
    putBack: async () => {
      for (const [key, value] of kept) await client.restore(key, TTL_MS, value, 'REPLACE')
    },
    readLater: async (laterMs) => {
      const app = await start(aheadBy(laterMs))
      return { reply: await app.get('/customers/1', { headers: HEADERS }), app }
    },
  }
}

t.test(
  'a token that was revoked and a body from before a write are not revived for ever',
  async (t) => {
    const { putBack, readLater } = await attack(t, 401)
    await putBack()
    const { reply, app } = await readLater(CLOCK_ERROR_MS + TTL_MS)
    t.equal(reply.status, 401)
    t.match(reply.headers['cache-status'], /fwd=/)
    t.ok((await gauge(app, 'layby_sealed_time_mismatch_total')) >= 2)
    t.equal(await gauge(app, 'layby_seal_mismatch_total'), 0)
  },
)

t.test('what is left: until then it can not be told from what was there all along', async (t) => {
  const { putBack, readLater } = await attack(t, 401)
  await putBack()
  const { reply, app } = await readLater(CLOCK_ERROR_MS + TTL_MS - 30_000)
  t.equal(reply.status, 200)
  t.match(reply.body, '"version": 1')
  const ttl = /ttl=([0-9]+)/.exec(String(reply.headers['cache-status']))?.[1]
  t.ok(Number(ttl) <= 30, 'and its end has come nearer')
  t.equal(await gauge(app, 'layby_sealed_time_mismatch_total'), 0)
})

t.test('a clock that is far behind finds nothing, and takes nothing from the others', async (t) => {
  const { putBack, readLater } = await attack(t, 503)
  await putBack()
  const { reply, app } = await readLater(-CLOCK_ERROR_MS - 60_000)
  t.equal(reply.status, 503)
  // As long as it is heard, nobody believes Redis.
  await app.close()
  // The others find it.
  t.equal((await readLater(0)).reply.status, 200)
})

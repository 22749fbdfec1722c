/** Alerts on what Redis does, over series that a Layby under that fault has shown. */
import t, { type Test } from 'tap'
import { expectFiring, Recording, scrape } from '../helpers/alert-series.ts'
import type { TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

interface Setting {
  readonly redis: RedisServer
  readonly app: TestApp
  /** Another one, started now. */
  readonly another: () => Promise<TestApp>
}

async function start(t: Test): Promise<Setting> {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, commandTimeoutMs: 2_000 }
  const another = async (): Promise<TestApp> =>
    (await startInstances(t, 1, upstream.url, settings))[0] as TestApp
  return { redis, app: await another(), another }
}

/** Five healthy minutes, of which the first fill the windows of the rules. */
async function healthy(app: TestApp): Promise<Recording> {
  const recording = new Recording()
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  return recording
}

const write = async (app: TestApp): Promise<void> => {
  const headers = { 'content-type': 'application/json' }
  await app.get('/customers/1', { method: 'PATCH', headers, body: '{}' })
}

t.test('LaybyRedisDown fires while Redis is gone, and not for one scrape', async (t) => {
  const { redis, app } = await start(t)
  const up = await scrape(app.opsUrl)
  await redis.kill()
  await until(async () => (await gauge(app, 'layby_redis_up')) === 0)
  const down = await scrape(app.opsUrl)
  const once = new Recording()
  for (const each of [up, up, down, up]) once.add(each)
  once.hold(10)
  for (const minute of [0.5, 1, 2, 5, 10]) expectFiring(t, once.series(), minute, [])
  const lasting = new Recording()
  lasting.add(up)
  lasting.hold(5)
  lasting.add(down)
  lasting.hold(10)
  expectFiring(t, lasting.series(), 6, [])
  expectFiring(t, lasting.series(), 15, ['LaybyBusGaps', 'LaybyRedisDown'])
})

t.test('LaybyRedisDown fires while Redis is there now and then', async (t) => {
  const { redis, app } = await start(t)
  const up = await scrape(app.opsUrl)
  await redis.kill()
  await until(async () => (await gauge(app, 'layby_redis_up')) === 0)
  const down = await scrape(app.opsUrl)
  for (const period of [
    [down, down, down, up],
    [up, up, up, down],
  ]) {
    const flapping = new Recording()
    for (let i = 0; i < 60; i++) flapping.add(period[i % 4] as typeof up)
    expectFiring(t, flapping.series(), 14, ['LaybyBusGaps', 'LaybyRedisDown'])
  }
})

t.test('a Redis that refuses writes and what stays pending raise alerts, which end', async (t) => {
  const { redis, app } = await start(t)
  await app.get('/customers/1')
  const recording = await healthy(app)
  await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '1')
  await until(async () => (await gauge(app, 'layby_redis_writable')) === 0)
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  expectFiring(t, recording.series(), 6, [])
  expectFiring(t, recording.series(), 10, ['LaybyRedisTakesNoWrites'])
  await write(app)
  await until(async () => (await gauge(app, 'layby_invalidations_pending')) > 0)
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  const both = ['LaybyInvalidationsPending', 'LaybyRedisTakesNoWrites']
  expectFiring(t, recording.series(), 15, both)
  await redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '0')
  await until(async () => (await gauge(app, 'layby_redis_writable')) === 1)
  await until(async () => (await gauge(app, 'layby_invalidations_pending')) === 0)
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  expectFiring(t, recording.series(), 20, [])
})

t.test('LaybyBusGaps fires where the bus is cut again and again', async (t) => {
  const { redis, app } = await start(t)
  const recording = await healthy(app)
  await cutBus(redis, app)
  await cutBus(redis, app)
  recording.add(await scrape(app.opsUrl))
  recording.hold(10)
  expectFiring(t, recording.series(), 12, [])
  for (let i = 0; i < 4; i++) await cutBus(redis, app)
  recording.add(await scrape(app.opsUrl))
  recording.hold(10)
  expectFiring(t, recording.series(), 22, ['LaybyBusGaps'])
})

async function cutBus(redis: RedisServer, app: TestApp): Promise<void> {
  const before = await gauge(app, 'layby_bus_gap_seconds_count')
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(async () => (await gauge(app, 'layby_bus_gap_seconds_count')) > before)
  await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
}

t.test('LaybySealMismatches fires where somebody else writes to Redis', async (t) => {
  const { redis, app, another } = await start(t)
  await app.get('/customers/1')
  const records = async (): Promise<string[]> =>
    (await redis.cli('KEYS', '*:[gra]:*')).split('\n').filter((key) => key !== '')
  await until(async () => (await records()).length >= 3)
  const reader = await another()
  const recording = await healthy(reader)
  expectFiring(t, recording.series(), 5, [])
  for (const key of await records()) await redis.cli('APPEND', key, 'y')
  await reader.get('/customers/1')
  recording.add(await scrape(reader.opsUrl))
  recording.hold(5)
  expectFiring(t, recording.series(), 8, ['LaybySealMismatches'])
})

t.test('LaybyLatencyHigh fires where hits wait, here for Redis', async (t) => {
  const { redis, app, another } = await start(t)
  for (let id = 1; id <= 40; id++) await app.get(`/customers/${id}`)
  await until(async () => Number(await redis.cli('DBSIZE')) >= 80)
  const reader = await another()
  const recording = await healthy(reader)
  const readSlowly = async (from: number): Promise<void> => {
    for (let id = from; id < from + 10; id++) {
      redis.pause()
      const reading = reader.get(`/customers/${id}`)
      // It asks Redis next, which stands still for so long.
      await reader.lookedUp(id)
      await new Promise((resolve) => setTimeout(resolve, 30))
      redis.resume()
      await reading
    }
    recording.add(await scrape(reader.opsUrl))
  }
  await readSlowly(1)
  await readSlowly(11)
  recording.goOn(20)
  expectFiring(t, recording.series(), 8, [])
  expectFiring(t, recording.series(), 24, ['LaybyLatencyHigh'])
})

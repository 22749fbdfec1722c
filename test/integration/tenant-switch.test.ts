/** The cache switched off for one tenant, without a restart, on all instances. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, type Reply, type TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const OPS = { adminToken: ADMIN_TOKEN }
const OFF = 'layby; fwd=bypass; detail=tenant-off'
const statusOf = (reply: Reply): string => String(reply.headers['cache-status'])
const put = (app: TestApp, cache: string) => callAdmin(app, 'PUT', '/tenants/7', { cache })

t.test('its reads skip the cache, and nothing from before is served afterwards', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  await app.get('/customers/1')
  t.match(statusOf(await app.get('/customers/1')), /hit/)
  const answer = await put(app, 'off')
  t.equal(answer.status, 202)
  t.match(answer.body, { tenant: '7', cache: 'off', instancesAcked: 1, instancesKnown: 1 })
  const before = upstream.requests.length
  for (let i = 0; i < 3; i++) t.equal(statusOf(await app.get('/customers/1')), OFF)
  t.equal(upstream.requests.length, before + 3)
  const other = { headers: { 'x-tenant-id': '8' } }
  await app.get('/customers/1', other)
  t.match(statusOf(await app.get('/customers/1', other)), /hit/, 'another tenant is cached')
  t.strictSame((await callAdmin(app, 'GET', '/tenants')).body['off'], ['7'])
  t.equal((await put(app, 'on')).status, 202)
  t.match(statusOf(await app.get('/customers/1')), /fwd=stale|fwd=uri-miss/)
  t.match(statusOf(await app.get('/customers/1')), /hit/)
})

t.test('what is not understood changes nothing', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  for (const [path, body] of [
    ['/tenants/x', { cache: 'off' }],
    ['/tenants/07', { cache: 'off' }],
    ['/tenants/7', { cache: 'maybe' }],
    ['/tenants/7', {}],
    ['/tenants/7', { cache: 'off', more: 1 }],
  ] as const) {
    t.equal((await callAdmin(app, 'PUT', path, body)).status, 400)
  }
  t.strictSame((await callAdmin(app, 'GET', '/tenants')).body['off'], [])
})

t.test('all instances hear of it, those that start later and those that missed it', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, commandTimeoutMs: 500 }
  const values = { ops: OPS }
  const [a, b] = (await startInstances(t, 2, upstream.url, settings, values)) as [TestApp, TestApp]
  await until(async () => (await put(a, 'off')).body['instancesAcked'] === 2)
  t.equal(statusOf(await b.get('/customers/1')), OFF, 'whoever has acknowledged has heard of it')
  const [late] = (await startInstances(t, 1, upstream.url, settings, values)) as [TestApp]
  await until(async () => statusOf(await late.get('/customers/1')) === OFF)
  await until(async () => (await put(late, 'on')).body['instancesAcked'] === 3)
  for (const instance of [a, b, late]) t.not(statusOf(await instance.get('/customers/2')), OFF)
  const dump = await redis.cli('HGETALL', 'layby:off')
  t.equal(dump, '')
  await redis.kill()
  t.match((await put(a, 'off')).body, { pending: true })
  t.equal(statusOf(await a.get('/customers/1')), OFF, 'here it is off at once')
  await redis.start()
  await until(async () => statusOf(await b.get('/customers/1')) === OFF)
})

async function startPair(t: Test) {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const start = async (): Promise<TestApp> => {
    const settings = { url: redis.url, commandTimeoutMs: 500 }
    const [app] = await startInstances(t, 1, upstream.url, settings, { ops: OPS })
    return app as TestApp
  }
  const [a, b] = [await start(), await start()]
  await until(async () => (await put(a, 'off')).body['instancesAcked'] === 2)
  return { redis, start, a, b }
}

const offOf = async (app: TestApp): Promise<unknown> =>
  (await callAdmin(app, 'GET', '/tenants')).body['off']
const MISSING = 'switches of tenants missing in redis: put back'

/** What instances know of the bus is in doubt: they look into Redis. */
async function breakBus(redis: RedisServer, apps: readonly TestApp[]): Promise<void> {
  const gapsOf = async (app: TestApp) => gauge(app, 'layby_bus_gap_seconds_count')
  const before = await Promise.all(apps.map(gapsOf))
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')
  for (const [i, app] of apps.entries()) {
    await until(async () => (await gapsOf(app)) > (before[i] as number))
  }
}

t.test('what Redis has lost switches no tenant on, and is put back', async (t) => {
  const { redis, start, a, b } = await startPair(t)
  for (const lose of [
    () => redis.cli('DEL', 'layby:off'),
    () => redis.cli('SET', 'layby:off', 'no hash'),
    () => redis.cli('FLUSHALL'),
  ]) {
    a.forget()
    await lose()
    await breakBus(redis, [a, b])
    await until(async () => (await redis.cli('HLEN', 'layby:off')) === '1')
    await until(() => a.logged().includes(MISSING) || b.logged().includes(MISSING))
    for (const app of [a, b]) t.equal(statusOf(await app.get('/customers/1')), OFF)
  }
  const late = await start()
  await until(async () => statusOf(await late.get('/customers/1')) === OFF)
})

t.test('who has just come asks the others, where Redis has nothing', async (t) => {
  const { redis, start } = await startPair(t)
  await redis.cli('DEL', 'layby:off')
  const late = await start()
  await until(async () => JSON.stringify(await offOf(late)) === '["7"]')
  t.equal(statusOf(await late.get('/customers/1')), OFF)
})

t.test(
  'a tenant that was switched on stays on, whatever Redis or the bus bring back',
  async (t) => {
    const { redis, start, a, b } = await startPair(t)
    const client = new Redis(redis.port)
    const ear = new Redis(redis.port)
    t.teardown(() => {
      client.disconnect()
      ear.disconnect()
    })
    const heard: Buffer[] = []
    ear.on('messageBuffer', (_channel: Buffer, bytes: Buffer) => heard.push(bytes))
    await ear.subscribe('layby:bus:0')
    const wasOff = (await client.dumpBuffer('layby:off')) as Buffer
    await put(b, 'on')
    await put(a, 'off')
    await until(async () => (await put(b, 'on')).body['instancesAcked'] === 2)
    const messages = [...heard]
    await client.del('layby:on:{layby:off}')
    await client.restore('layby:off', 0, wasOff, 'REPLACE')
    await breakBus(redis, [a, b])
    for (const bytes of messages) await client.publish('layby:bus:0', bytes)
    for (const app of [a, b]) {
      await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
      t.strictSame(await offOf(app), [])
    }
    const late = await start()
    t.strictSame(await offOf(late), [])
  },
)

t.test('a switch that can not be read is told of', async (t) => {
  const { redis, a, b } = await startPair(t)
  await redis.cli('HSET', 'layby:off', 'foreign', 'not sealed')
  await redis.cli('HSET', 'layby:off', 'endless', 'x'.repeat(100_000))
  await breakBus(redis, [a, b])
  const line = /"tenants":2,"message":"switches of tenants in redis can not be read/
  await until(() => line.test(a.logged()))
  t.equal(statusOf(await a.get('/customers/1')), OFF)
})

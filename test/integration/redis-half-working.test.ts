/**
 * A Redis that half works: it takes no writes, it is away while a write goes by and its writer ends, its roster tells of
 * instances that are gone. Nobody may show what was before a write for longer than 2 s, whatever lies in Redis.
 */
import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createCommands, type Script } from '../../src/stores/redis-commands.ts'
import { openGate } from '../coherence/gate.ts'
import type { TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until, untilSharing } from '../helpers/instances.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const BOUND_MS = 2_000
const ECHO: Script = { name: 'testEcho', lua: 'return ARGV[1]' }
const PLAIN = {
  upstream: { url: 'http://127.0.0.1:1' },
  secret: 'a secret for tests only, 32 long and more',
}
const PATH = '/customers/1'
const ROSTER = 'layby:instances'

/** Customers whose name counts their writes. */
function startRegister(t: Test): Promise<ScriptedUpstream> {
  let version = 1
  return startUpstream(t, (received, res) => {
    if (received.method === 'PATCH') version++
    sendJson(res, received, `{"id": 1, "name": "v${version}", "parent_id": null}`)
  })
}

async function read(instance: TestApp): Promise<{ readonly name: string; readonly how: string }> {
  const { body, headers } = await instance.get(PATH)
  return { name: (JSON.parse(body) as { name: string }).name, how: String(headers['cache-status']) }
}

async function write(instance: TestApp): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  await instance.get(PATH, { method: 'PATCH', headers, body: '{"name": "x"}' })
}

/** Reads for so long; nothing may be older than the bound allows. */
async function watch(t: Test, instances: readonly TestApp[], name: string, forMs: number) {
  const from = performance.now()
  let latest = 0
  while (performance.now() - from < forMs) {
    for (const instance of instances) {
      const at = performance.now() - from
      if ((await read(instance)).name !== name) latest = Math.max(latest, at)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.comment(`the body of before was shown for ${latest.toFixed(0)} ms`)
  t.ok(latest < BOUND_MS, `shown for ${latest} ms`)
}

/** Has all of them show the first version from memory. */
async function warm(instances: readonly TestApp[]): Promise<void> {
  for (const instance of instances) {
    await until(async () => /hit; .*detail=memory/.test((await read(instance)).how))
  }
}

const epochOf = async (redis: RedisServer): Promise<string> => redis.cli('HGET', ROSTER, 'epoch')

t.test('READONLY: the others are told over connections that the fault is ending', async (t) => {
  const redis = await startRedis(t, ['--repl-diskless-sync-delay', '0'])
  const other = await startRedis(t)
  const upstream = await startRegister(t)
  const instances = await startInstances(t, 2, upstream.url, { url: redis.url })
  await warm(instances)
  await redis.cli('REPLICAOF', '127.0.0.1', String(other.port))
  await until(async () => (await redis.cli('ROLE')).startsWith('slave'))
  await write(instances[0] as TestApp)
  await watch(t, instances, 'v2', 4_000)
})

interface Refusal {
  readonly name: string
  begin(redis: RedisServer): Promise<unknown>
  heal(redis: RedisServer): Promise<unknown>
}

const MISCONF: Refusal = {
  name: 'MISCONF',
  begin: async (redis) => {
    await redis.cli('CONFIG', 'SET', 'save', '3600 1000000')
    rmSync(redis.directory, { recursive: true })
    await redis.cli('BGSAVE')
    await until(async () =>
      (await redis.cli('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'),
    )
  },
  heal: (redis) => redis.cli('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'),
}

const REFUSALS: readonly Refusal[] = [
  MISCONF,
  {
    name: 'NOREPLICAS',
    begin: (redis) => redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '1'),
    heal: (redis) => redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '0'),
  },
  {
    name: 'NOPERM',
    begin: (redis) => redis.cli('ACL', 'SETUSER', 'layby', '-set', '-hset'),
    heal: (redis) => redis.cli('ACL', 'SETUSER', 'layby', '+set', '+hset'),
  },
  {
    name: 'OOM',
    begin: (redis) => redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    heal: (redis) => redis.cli('CONFIG', 'SET', 'maxmemory', '0'),
  },
]

for (const { name, begin, heal } of REFUSALS) {
  t.test(`${name}: who starts while Redis takes no writes believes nothing there`, async (t) => {
    const redis = await startRedis(t)
    await redis.cli('ACL', 'SETUSER', 'layby', 'on', '>pw', '~*', '&*', '+@all')
    const settings = { url: redis.url, username: 'layby', password: 'pw' }
    const upstream = await startRegister(t)
    const instances = await startInstances(t, 2, upstream.url, settings)
    const [a] = instances as [TestApp]
    await warm(instances)
    await begin(redis)
    await until(async () => (await gauge(a, 'layby_redis_writable')) === 0)
    t.equal(await gauge(a, 'layby_redis_up'), 1)
    await write(a)
    const [late] = (await startInstances(t, 1, upstream.url, settings, {}, {}, false)) as [TestApp]
    await until(async () => (await gauge(late, 'layby_bus_live')) === 1)
    t.equal((await read(late)).name, 'v2')
    t.equal(await gauge(late, 'layby_redis_trusted'), 0)
    await watch(t, [...instances, late], 'v2', 2_500)
    await heal(redis)
    await untilSharing([...instances, late])
    t.equal(await gauge(a, 'layby_redis_writable'), 1)
    t.equal(await gauge(a, 'layby_invalidations_pending'), 0)
    await watch(t, [...instances, late], 'v2', 500)
    t.match(a.logged(), /redis takes no writes/)
    t.match(a.logged(), /redis takes writes/)
  })
}

t.test('a Redis that refuses even to be asked whether it is there is used again', async (t) => {
  const redis = await startRedis(t)
  await MISCONF.begin(redis)
  t.match(await redis.cli('PING'), /^MISCONF/)
  const settings = { ...parseConfig({ redis: { url: redis.url }, ...PLAIN }).redis, ca: null }
  const observer = { stateChanged: () => {}, failed: () => {} }
  const commands = createCommands(settings, systemClock, observer)
  t.teardown(() => commands.close())
  await until(() => commands.isUsable)
  redis.pause()
  while (!commands.isBreakerOpen) {
    await Promise.all(Array.from({ length: 20 }, () => commands.run(ECHO, [], ['x'])))
  }
  redis.resume()
  // Over the same connection: a new one would be used at once.
  await until(() => commands.isUsable)
  t.match(await commands.publish('nobody', Buffer.from('x')), { ok: true })
})

t.test('a writer that ends while Redis is away leaves nothing to be believed', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const gate = await openGate(redis.port)
  t.teardown(() => gate.close())
  const settings = { url: `redis://127.0.0.1:${gate.port}` }
  const instances = await startInstances(t, 2, upstream.url, settings)
  const [a, b] = instances as [TestApp, TestApp]
  await warm(instances)
  const epoch = await epochOf(redis)
  gate.cut(true)
  await until(async () => (await gauge(a, 'layby_redis_up')) === 0)
  await write(a)
  await a.close()
  t.match(a.logged(), /"invalidations.pending":\d.*pending invalidations lost/)
  const [next] = (await startInstances(t, 1, upstream.url, settings, {}, {}, false)) as [TestApp]
  gate.cut(false)
  // Redis has all that it had: the old body, under fences that nobody has changed.
  await until(async () => {
    t.equal((await read(next)).name, 'v2')
    t.equal((await read(b)).name, 'v2')
    return (
      (await gauge(next, 'layby_redis_trusted')) === 1 &&
      (await gauge(b, 'layby_redis_trusted')) === 1
    )
  }, 30_000)
  t.not(await epochOf(redis), epoch, 'what was stored before is void')
  await watch(t, [next, b], 'v2', 1_000)
  await warm([next, b])
})

t.test('who was deaf while a credential changed its version hides no change of it', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const gate = await openGate(redis.port)
  t.teardown(() => gate.close())
  const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  const url = `redis://127.0.0.1:${gate.port}`
  const [b] = (await startInstances(t, 1, upstream.url, { url })) as [TestApp]
  await warm([a, b])
  gate.deafen(true)
  await a.get(PATH, { headers: { 'x-api-version': '2021/11/04' } })
  await until(async () => (await gauge(b, 'layby_bus_live')) === 0)
  gate.deafen(false)
  await until(async () => (await gauge(b, 'layby_bus_live')) === 1)
  t.match((await read(b)).how, /fwd=.*detail=version-pin/)
})

t.test('who ends with nothing pending leaves all as it was', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  await warm([a])
  const epoch = await epochOf(redis)
  await a.close()
  t.equal(await redis.cli('HLEN', ROSTER), '1', 'the epoch is left')
  const [next] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  t.match((await read(next)).how, /hit; .*detail=redis/)
  t.equal(await epochOf(redis), epoch)
  t.notMatch(a.logged(), /pending invalidations lost/)
})

const GHOST = ['ghost', 'i.ghost.7.0'] as const

t.test('an instance that stopped unseen makes what was stored before void', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  await warm([a])
  const epoch = await epochOf(redis)
  await a.close()
  await redis.cli('HSET', ROSTER, ...GHOST)
  const [next] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  t.not(await epochOf(redis), epoch)
  t.equal(await redis.cli('HEXISTS', ROSTER, GHOST[0]), '0')
  t.notMatch((await read(next)).how, /hit/)
})

t.test('an instance that stops while others are in contact costs nothing', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  await warm([a])
  const epoch = await epochOf(redis)
  await redis.cli('HSET', ROSTER, ...GHOST)
  const [next] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  t.equal(await redis.cli('HEXISTS', ROSTER, GHOST[0]), '0')
  t.match((await read(next)).how, /hit; .*detail=redis/)
  t.equal(await epochOf(redis), epoch)
})

t.test('all follow to another epoch, and a write is seen by all of them', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  const instances = await startInstances(t, 3, upstream.url, { url: redis.url })
  await warm(instances)
  await redis.cli('HSET', ROSTER, 'epoch', 'e.another')
  await write(instances[0] as TestApp)
  await watch(t, instances, 'v2', 2_500)
  await untilSharing(instances)
  await warm(instances)
})

t.test('a roster that is no roster begins anew', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startRegister(t)
  for (const spoil of [
    ['SET', ROSTER, 'x'],
    ['HSET', ROSTER, 'x', 'i'.repeat(1_000)],
  ]) {
    await redis.cli('DEL', ROSTER)
    await redis.cli(...spoil)
    const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
    await warm([a])
    t.equal(await redis.cli('HEXISTS', ROSTER, 'x'), '0')
    await a.close()
  }
})

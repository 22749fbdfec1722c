/** Whoever can write to Redis writes what Layby never would: it costs hits, and neither memory nor answers. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { monitorRedis } from '../helpers/redis-monitor.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const HUGE = Buffer.alloc(8 * 1024 * 1024, 'x')
const IDS = [1, 2, 3, 4, 5]

/** Every name that is given to Redis, and a client to write under them. */
async function startSeen(t: Test, upstreamValues: Record<string, unknown> = {}) {
  const redis = await startRedis(t)
  const client = new Redis(redis.port)
  t.teardown(() => client.disconnect())
  const monitor = await monitorRedis(t, redis.port)
  const upstream = await startUpstream(t)
  const start = async (): Promise<TestApp> => {
    const settings = { url: redis.url, commandTimeoutMs: 5_000 }
    const values = { upstream: upstreamValues }
    const [app] = await startInstances(t, 1, upstream.url, settings, values)
    return app as TestApp
  }
  const a = await start()
  for (const id of IDS) await a.get(`/customers/${id}`)
  await until(() => ['l', 'f', 'p'].every((kind) => monitor.names().some(isOf(kind))))
  // The last of what was filled is stored behind its answer.
  await until(() => monitor.names().filter(isOf('r')).length >= IDS.length)
  await monitor.stop()
  return { redis, client, names: monitor.names(), start }
}

const isOf = (kinds: string) => (name: string) => new RegExp(`}:[${kinds}]:`).test(name)

t.test('values of any length and type cost hits, and are not read', async (t) => {
  const { redis, client, names, start } = await startSeen(t)
  const sent = async (): Promise<number> =>
    Number(/total_net_output_bytes:([0-9]+)/.exec(await redis.cli('INFO', 'stats'))?.[1])
  for (const plant of [
    (name: string) => client.set(name, HUGE),
    (name: string) => client.del(name).then(() => client.lpush(name, 'a list')),
    (name: string) => client.set(name, ''),
  ]) {
    for (const name of names) if (isOf('gafprl')(name)) await plant(name)
    const b = await start()
    const before = await sent()
    for (const id of IDS) {
      const { status, body } = await b.get(`/customers/${id}`)
      t.equal(status, 200)
      t.match(body, `"id": ${id}`)
    }
    t.ok((await sent()) - before < HUGE.length / 4, 'Redis was asked for nothing long')
    await b.close()
  }
})

t.test('a fill lock that nobody holds keeps nobody waiting', async (t) => {
  const { client, names, start } = await startSeen(t)
  const b = await start()
  for (const name of names) if (isOf('gra')(name)) await client.del(name)
  const locks = names.filter(isOf('l'))
  for (const lock of locks) await client.set(lock, 'nobody')
  for (const id of IDS) {
    t.match((await b.get(`/customers/${id}`)).headers['cache-status'], /stored/)
  }
  // Who takes a lock over gives it back.
  await until(async () => (await client.exists(...locks)) === 0)
})

t.test('one that somebody keeps taking costs half of the time that a read has', async (t) => {
  const { client, names, start } = await startSeen(t, {
    totalTimeoutMs: 3_000,
    headersTimeoutMs: 900,
  })
  const b = await start()
  for (const name of names) if (isOf('gra')(name)) await client.del(name)
  for (const name of names) if (isOf('l')(name)) await client.set(name, 'somebody', 'PX', 60_000)
  const { status, headers } = await b.get('/customers/1')
  t.equal(status, 200)
  t.match(headers['cache-status'], /fwd=/)
})

/** What an operator asks of one instance, all instances do, and say so. */
import t, { type Test } from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import type { TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const OPS = { adminToken: ADMIN_TOKEN }
const statusOf = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

interface Pair {
  readonly a: TestApp
  readonly b: TestApp
  readonly redis: RedisServer
}

async function startPair(t: Test): Promise<Pair> {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, commandTimeoutMs: 500 }
  const [a, b] = (await startInstances(t, 2, upstream.url, settings, { ops: OPS })) as [
    TestApp,
    TestApp,
  ]
  await until(async () => (await purge(a, { tenant: '9', all: true }))['instancesKnown'] === 2)
  return { a, b, redis }
}

async function purge(app: TestApp, body: object): Promise<Record<string, unknown>> {
  const answer = await callAdmin(app, 'POST', '/purge', body)
  if (answer.status !== 202) throw new Error(`a purge was answered with ${answer.status}`)
  return answer.body
}

/** Reads until a hit from memory: the entry is there, and its fences are known. */
async function warm(app: TestApp, path: string): Promise<void> {
  await until(async () => /hit.*detail=memory/.test(statusOf(await app.get(path))))
}

t.test('an instance that has acknowledged a purge serves nothing from before it', async (t) => {
  const { a, b } = await startPair(t)
  for (let round = 0; round < 50; round++) {
    const path = `/customers/${round + 1}`
    await warm(a, path)
    await warm(b, path)
    const target =
      round % 2 === 0 ? { tenant: '7', customer: String(round + 1) } : { tenant: '7', all: true }
    const told = await purge(round % 3 === 0 ? b : a, target)
    t.match(told, { instancesAcked: 2, instancesKnown: 2 })
    t.notOk('pending' in told)
    t.match(statusOf(await b.get(path)), /fwd=/, 'b has dropped it')
  }
})

t.test('without Redis a purge is done here, and owed to the others', async (t) => {
  const { a, b, redis } = await startPair(t)
  await warm(a, '/customers/1')
  await warm(b, '/customers/1')
  await redis.kill()
  const told = await purge(a, { tenant: '7', customer: '1' })
  t.match(told, { instancesAcked: 1, pending: true })
  t.match(statusOf(await a.get('/customers/1')), /fwd=/)
  await redis.start()
  await until(async () => !('pending' in (await purge(a, { tenant: '9', all: true }))))
})

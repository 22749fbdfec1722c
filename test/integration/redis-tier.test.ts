/** Two tiers and several instances, over a real Redis. */
import t from 'tap'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

/** These tests are about what is shared, not about a machine that is busy. */
const PATIENT = { commandTimeoutMs: 2_000 }

const status = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

t.test(
  'what one instance has filled, another serves from Redis, and then from memory',
  async (t) => {
    const redis = await startRedis(t)
    const upstream = await startUpstream(t)
    const [a, b] = await startInstances(t, 2, upstream.url, { url: redis.url, ...PATIENT })
    const filled = await a?.get('/customers/1/')
    t.match(status(filled!), /fwd=uri-miss; stored/)
    await until(async () => Number(await redis.cli('DBSIZE')) >= 8)
    const shared = await b?.get('/customers/1/')
    t.match(status(shared!), /layby; hit; ttl=\d+; detail=redis/)
    t.equal(shared?.body, filled?.body)
    t.equal(shared?.headers['etag'], filled?.headers['etag'])
    t.match(status((await b?.get('/customers/1/'))!), /detail=memory/)
    t.equal(upstream.requests.length, 1)
  },
)

t.test('a write through one instance is seen through the other', async (t) => {
  const redis = await startRedis(t)
  let version = 1
  const upstream = await startUpstream(t, (received, res) => {
    if (received.method !== 'GET') version++
    sendJson(res, received, `{"id": 1, "version": ${version}, "parent_id": null}`)
  })
  const [a, b] = await startInstances(t, 2, upstream.url, { url: redis.url, ...PATIENT })
  for (const instance of [a!, b!, a!, b!]) await instance.get('/customers/1')
  for (let i = 0; i < 20; i++) {
    const [writer, reader] = i % 2 === 0 ? [a!, b!] : [b!, a!]
    const written = await writer.get('/customers/1/contacts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    t.equal(written.status, 200)
    await until(async () => {
      const { body } = await reader.get('/customers/1')
      return (JSON.parse(body) as { version: number }).version === version
    })
    const { body } = await writer.get('/customers/1')
    t.equal((JSON.parse(body) as { version: number }).version, version)
  }
})

t.test('a new instance is warm at once', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [a] = await startInstances(t, 1, upstream.url, { url: redis.url, ...PATIENT })
  for (let i = 1; i <= 20; i++) await a?.get(`/customers/${i}`)
  await until(async () => Number(await redis.cli('DBSIZE')) >= 65)
  const [b] = await startInstances(t, 1, upstream.url, { url: redis.url, ...PATIENT })
  for (let i = 1; i <= 20; i++) t.match(status((await b?.get(`/customers/${i}`))!), /hit.*redis/)
  t.equal(upstream.requests.length, 20)
})

t.test('a credential that the upstream refuses is dropped by all instances', async (t) => {
  const redis = await startRedis(t)
  let isRevoked = false
  const upstream = await startUpstream(t, (received, res) => {
    if (isRevoked) sendJson(res, received, '{"detail": "no"}', {}, 401)
    else sendJson(res, received, '{"id": 1, "parent_id": null}')
  })
  const [a, b] = await startInstances(t, 2, upstream.url, { url: redis.url, ...PATIENT })
  await a?.get('/customers/1')
  await b?.get('/customers/1')
  isRevoked = true
  t.equal((await a?.get('/customers/2'))?.status, 401)
  await until(async () => (await b?.get('/customers/1'))?.status === 401)
})

t.test('secrets are rotated without a cold start', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [a] = await startInstances(t, 1, upstream.url, { url: redis.url, ...PATIENT })
  await a?.get('/customers/1')
  await until(async () => Number(await redis.cli('DBSIZE')) >= 8)
  const previousSecrets = ['a secret for tests only, 32 long and more']
  const rotated = { secret: 'the next secret, also 32 long and more', previousSecrets } as never
  const [b] = await startInstances(t, 1, upstream.url, { url: redis.url, ...PATIENT }, rotated)
  const size = Number(await redis.cli('DBSIZE'))
  t.match(status((await b?.get('/customers/1'))!), /hit.*redis/)
  await until(async () => Number(await redis.cli('DBSIZE')) >= size + 5)
  const [c] = await startInstances(t, 1, upstream.url, { url: redis.url, ...PATIENT }, {
    secret: 'the next secret, also 32 long and more',
  } as never)
  t.match(status((await c?.get('/customers/1'))!), /hit.*redis/)
  t.equal(
    upstream.requests.length,
    1,
    'what was found under the old secret is stored under the new',
  )
})

t.test('1,000 cold reads over three instances cost one upstream request', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const instances = await startInstances(t, 3, upstream.url, { url: redis.url, ...PATIENT })
  upstream.hold()
  const reads = Array.from({ length: 1_000 }, (_, i) => instances[i % 3]!.get('/customers/7'))
  await upstream.received(1)
  for (const instance of instances) await instance.lookedUp(333)
  upstream.release()
  const replies = await Promise.all(reads)
  t.ok(replies.every((reply) => reply.status === 200))
  t.ok(upstream.requests.length <= 2, `${upstream.requests.length} upstream requests`)
  t.comment(`${upstream.requests.length} upstream requests`)
})

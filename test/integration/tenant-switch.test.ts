/** The cache switched off for one tenant, without a restart, on all instances. */
import t from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, type Reply, type TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(60_000)

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

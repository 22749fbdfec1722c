/** A soft purge: what was stored is stale at once, and serves as any stale copy does; on all instances. */
import t from 'tap'
import { isTrue } from '../../src/cache/fence.ts'
import { LocalFences } from '../../src/stores/local-fences.ts'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, type Reply, type TestApp } from '../helpers/app.ts'
import { FakeClock } from '../helpers/clock.ts'
import { fencesLike } from '../helpers/fences.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const OPS = { adminToken: ADMIN_TOKEN }
const CACHE = { ttlMs: 60_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 300_000 }
const OTHER = { authorization: 'Bearer token-two.bbbb' }
const statusOf = (reply: Reply): string => String(reply.headers['cache-status'])

interface State {
  status: number
  name: string
}

async function scripted(t: Parameters<typeof startUpstream>[0], state: State) {
  return startUpstream(t, (received, res) => {
    const { status, name } = state
    sendJson(res, received, { id: 1, parent_id: null, name }, {}, status)
  })
}

async function purgeSoftly(app: TestApp, target: object): Promise<void> {
  const { status, body } = await callAdmin(app, 'POST', '/purge', { ...target, mode: 'soft' })
  if (status !== 202) throw new Error(`a purge was answered with ${status}`)
  t.match(body['purged'], { mode: 'soft' })
}

async function calls(upstream: ScriptedUpstream, work: () => Promise<unknown>): Promise<number> {
  const before = upstream.requests.length
  await work()
  return upstream.requests.length - before
}

for (const target of [
  { tenant: '7', customer: '1' },
  { tenant: '7', all: true },
]) {
  t.test(`what ${JSON.stringify(target)} names is revalidated by its next reader`, async (t) => {
    const state = { status: 200, name: 'first' }
    const upstream = await scripted(t, state)
    const app = await buildTestApp(t, upstream.url, { ops: OPS, cache: CACHE })
    for (const headers of [{}, OTHER]) await app.get('/customers/1', { headers })
    await app.get('/customers/1', { headers: { 'x-tenant-id': '8' } })
    await purgeSoftly(app, target)
    t.equal(
      statusOf(await app.get('/customers/1')),
      'layby; fwd=stale; fwd-status=200; stored; ttl=60',
    )
    t.match(statusOf(await app.get('/customers/1')), /hit; ttl=60; detail=memory/)
    const other = await app.get('/customers/1', { headers: OTHER })
    t.match(statusOf(other), /hit/, 'the same bytes are fresh again for all who hold them')
    const elsewhere = await app.get('/customers/1', { headers: { 'x-tenant-id': '8' } })
    t.match(statusOf(elsewhere), /hit/, 'and another tenant has lost nothing')
  })
}

t.test('while the upstream fails it may be served, for as long as without the purge', async (t) => {
  const state = { status: 200, name: 'first' }
  const upstream = await scripted(t, state)
  const app = await buildTestApp(t, upstream.url, { ops: OPS, cache: CACHE })
  await app.get('/customers/1')
  state.status = 503
  await purgeSoftly(app, { tenant: '7', customer: '1' })
  const spared = await app.get('/customers/1')
  t.equal(spared.status, 200)
  t.equal(statusOf(spared), 'layby; hit; ttl=-1; detail=sie', 'never told as fresh')
  app.clock.advance(359_000)
  t.match(statusOf(await app.get('/customers/1')), /ttl=-299; detail=sie/)
  app.clock.advance(2_000)
  t.equal((await app.get('/customers/1')).status, 503)
})

t.test(
  'it may be served while it is refreshed, and a write or a hard purge ends that',
  async (t) => {
    const state = { status: 200, name: 'first' }
    const upstream = await scripted(t, state)
    const cache = { ...CACHE, staleWhileRevalidateMs: 30_000 }
    const app = await buildTestApp(t, upstream.url, { ops: OPS, cache })
    await app.get('/customers/1')
    await purgeSoftly(app, { tenant: '7', all: true })
    state.name = 'second'
    const made = await calls(upstream, async () => {
      const stale = await app.get('/customers/1')
      t.equal(statusOf(stale), 'layby; hit; ttl=-1; detail=swr')
      t.match(stale.body, 'first')
      await until(async () => /second/.test((await app.get('/customers/1')).body))
    })
    t.equal(made, 1, 'one refresh')
    await purgeSoftly(app, { tenant: '7', all: true })
    await callAdmin(app, 'POST', '/purge', { tenant: '7', customer: '1' })
    state.status = 503
    t.equal((await app.get('/customers/1')).status, 503)
  },
)

t.test('what may never be served stale is not served after it', async (t) => {
  const forbidding = { 'cache-control': 'must-revalidate' }
  for (const [cache, headers] of [
    [CACHE, forbidding],
    [{ ...CACHE, staleWhileRevalidateMs: 30_000 }, forbidding],
    [{ ...CACHE, staleIfErrorMs: 0 }, {}],
  ] as const) {
    let status = 200
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, { id: 1, parent_id: null }, headers, status),
    )
    const app = await buildTestApp(t, upstream.url, { ops: OPS, cache })
    await app.get('/customers/1')
    status = 503
    await purgeSoftly(app, { tenant: '7', customer: '1' })
    t.equal((await app.get('/customers/1')).status, 503)
  }
})

t.test('a fill that a soft purge has overtaken is answered, and not stored', async (t) => {
  const state = { status: 200, name: 'first' }
  const upstream = await scripted(t, state)
  const app = await buildTestApp(t, upstream.url, { ops: OPS, cache: CACHE })
  upstream.hold()
  const reading = app.get('/customers/1')
  await upstream.received(1)
  await purgeSoftly(app, { tenant: '7', customer: '1' })
  upstream.release()
  t.match(statusOf(await reading), /detail=reject\.fence/)
})

t.test('fences that ignore marks would be seen', async (t) => {
  const clock = new FakeClock()
  const sound = new LocalFences({ clock, maxFences: 100 })
  const mutant = fencesLike(
    () => sound,
    () => ({ holds: (stamp) => isTrue(sound, stamp) }),
  )
  const upstream = await startUpstream(t)
  const overrides = { clock, fences: mutant }
  const app = await buildTestApp(t, upstream.url, { ops: OPS, cache: CACHE }, overrides)
  await app.get('/customers/1')
  await purgeSoftly(app, { tenant: '7', customer: '1' })
  t.match(statusOf(await app.get('/customers/1')), /hit; ttl=60/, 'where sound ones revalidate')
})

t.test('a credential has no freshness of its own', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  const body = { credential: 'x', mode: 'soft' }
  t.equal((await callAdmin(app, 'POST', '/purge', body)).status, 400)
})

t.test('all instances revalidate, and those that start later', async (t) => {
  const redis = await startRedis(t)
  const state = { status: 200, name: 'first' }
  const upstream = await scripted(t, state)
  const settings = { url: redis.url, commandTimeoutMs: 500 }
  const values = { ops: OPS, cache: CACHE }
  const [a, b] = (await startInstances(t, 2, upstream.url, settings, values)) as [TestApp, TestApp]
  await a.get('/customers/1')
  await until(async () => /detail=memory/.test(statusOf(await b.get('/customers/1'))))
  await purgeSoftly(a, { tenant: '7', all: true })
  state.status = 503
  const [late] = (await startInstances(t, 1, upstream.url, settings, values)) as [TestApp]
  for (const instance of [b, a, late]) {
    const reply = await instance.get('/customers/1')
    t.equal(statusOf(reply), 'layby; hit; ttl=-1; detail=sie', 'from memory or from Redis')
  }
  state.status = 200
  t.match(statusOf(await b.get('/customers/1')), /fwd=.*; stored/)
  for (const instance of [a, late]) {
    t.match(statusOf(await instance.get('/customers/1')), /hit; ttl=\d+; detail=redis/)
  }
})

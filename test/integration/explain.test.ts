/** `GET /admin/explain` as an operator uses it: what it foretells is what the next read is answered with. */
import t, { type Test } from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, HEADERS, type TestApp, VERSION } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const OPS = { adminToken: ADMIN_TOKEN }
const TOKEN = HEADERS.authorization.slice('Bearer '.length)
const PATIENT = { commandTimeoutMs: 2_000 }

interface Told {
  readonly cacheStatus: string | null
  readonly problem: string | null
  readonly assumes: string
}

interface Explained {
  readonly prediction: Told
  readonly alternative: Told | null
  readonly ifUpstreamFails: Told
  readonly memory: { readonly verdict: string; readonly reason: string; readonly remedy: string }
  readonly redis: { readonly state: string; readonly brought: { readonly reason: string } | null }
  readonly holder: string
  readonly lastReject: { readonly reason: string } | null
  readonly fences: readonly { readonly kind: string; readonly state: string }[]
}

const statusOf = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

const ttlOf = (status: string): number => Number(/ttl=(\d+)/.exec(status)?.[1])
const withoutTtl = (status: string): string => status.replace(/ttl=\d+/, '')

async function credentialIn(app: TestApp): Promise<string> {
  const { body } = await callAdmin(app, 'POST', '/credential', { token: TOKEN })
  return body['credential'] as string
}

async function explain(app: TestApp, credential: string, more = ''): Promise<Explained> {
  const query = `tenant=7&customer=1&version=${encodeURIComponent(VERSION)}&credential=${credential}`
  const answer = await callAdmin(app, 'GET', `/explain?${query}${more}`)
  if (answer.status !== 200) throw new Error(`explained with ${answer.status}`)
  return answer.body as unknown as Explained
}

t.test('from a first read to a refusal, each is foretold', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS, cache: { ttlMs: 60_500 } })
  const credential = await credentialIn(app)
  const foretold = async (reason: string): Promise<Explained> => {
    const explained = await explain(app, credential)
    t.equal(explained.memory.reason, reason)
    t.ok(explained.memory.remedy)
    t.equal(statusOf(await app.get('/customers/1')), explained.prediction.cacheStatus)
    return explained
  }
  t.match(await foretold('no-grant'), { redis: { state: 'not-configured' }, holder: 'proved' })
  t.match(await foretold('fresh'), { prediction: { assumes: 'nothing' } })
  app.clock.advance(61_000)
  t.match(await foretold('stale'), { ifUpstreamFails: { problem: 'upstream_unreachable' } })
  await callAdmin(app, 'POST', '/purge', { tenant: '7', customer: '1' })
  t.match((await foretold('fence')).fences, [{ kind: 'tenant' }, { kind: 'subject' }])
  app.clock.advance(1)
  await app.get('/customers/1', { headers: { 'x-api-version': '2019/02/08' } })
  await foretold('version-pin')
  upstream.answer((received, res) =>
    sendJson(res, received, '{"id": 1}', { 'Cache-Control': 'no-store' }),
  )
  app.clock.advance(61_000)
  await app.get('/customers/1')
  const explained = await explain(app, credential)
  t.match(explained, { memory: { reason: 'withdrawn' }, lastReject: { reason: 'no-store' } })
})

t.test('what a client forbids to store is no rejection of the upstream’s', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  const credential = await credentialIn(app)
  await app.get('/customers/1', { headers: { 'cache-control': 'no-store' } })
  t.equal((await explain(app, credential)).lastReject, null)
})

t.test('what is asked wrongly is refused, and nothing secret is told', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  await app.get('/customers/1')
  const credential = await credentialIn(app)
  for (const query of [
    '',
    `?tenant=7&customer=1`,
    `?tenant=07&customer=1&credential=${credential}`,
    `?tenant=7&customer=9999999999999999999&credential=${credential}`,
    `?tenant=7&customer=1&version=2000/01/01&credential=${credential}`,
    `?tenant=7&customer=1&credential=${credential.slice(1)}`,
    `?tenant=7&customer=1&credential=${credential}&more=1`,
  ]) {
    t.equal((await callAdmin(app, 'GET', `/explain${query}`)).status, 400, query)
  }
  t.equal((await callAdmin(app, 'GET', '/explain', undefined, null)).status, 401)
  const text = JSON.stringify(await explain(app, credential))
  for (const secret of [TOKEN, credential, 'Plain']) t.notMatch(text, secret)
})

t.test('a tenant whose cache is off skips it, and that is foretold', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: OPS })
  const credential = await credentialIn(app)
  await app.get('/customers/1')
  t.equal((await callAdmin(app, 'PUT', '/tenants/7', { cache: 'off' })).status, 202)
  const { prediction } = await explain(app, credential)
  t.equal(prediction.cacheStatus, 'layby; fwd=bypass; detail=tenant-off')
  t.equal(statusOf(await app.get('/customers/1')), prediction.cacheStatus)
})

async function startPair(t: Test): Promise<readonly [TestApp, TestApp]> {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, ...PATIENT }
  const [a, b] = await startInstances(t, 2, upstream.url, settings, { ops: OPS })
  if (a === undefined || b === undefined) throw new Error('no instances')
  const credential = await credentialIn(a)
  t.match(await explain(b, credential), { redis: { state: 'nothing' } })
  await a.get('/customers/1')
  await until(async () => Number(await redis.cli('DBSIZE')) >= 8)
  return [a, b]
}

t.test('what Redis has under seal is told as such, with both ways that it may go', async (t) => {
  const [a, b] = await startPair(t)
  const explained = await explain(b, await credentialIn(a))
  t.match(explained, {
    holder: 'none',
    memory: { reason: 'no-grant' },
    redis: { state: 'sealed', brought: null },
    prediction: { assumes: 'redis-does-not-serve' },
    alternative: { cacheStatus: 'layby; hit; ttl=?; detail=redis', assumes: 'redis-serves' },
  })
  t.match(statusOf(await b.get('/customers/1')), /^layby; hit; ttl=\d+; detail=redis$/)
})

t.test('an instance that has seen the token tells exactly what Redis brings', async (t) => {
  const [, b] = await startPair(t)
  const credential = await credentialIn(b)
  for (const look of [1, 2]) {
    t.match(
      await explain(b, credential),
      { holder: 'proved', memory: { reason: 'no-grant' }, redis: { state: 'opened' } },
      `${look}: a look adopts nothing`,
    )
  }
  const { prediction, redis } = await explain(b, credential)
  t.equal(redis.brought?.reason, 'fresh')
  t.equal(prediction.assumes, 'nothing')
  const [foretold, seen] = [prediction.cacheStatus ?? '', statusOf(await b.get('/customers/1'))]
  t.match(seen, /^layby; hit; ttl=\d+; detail=redis$/)
  t.equal(withoutTtl(seen), withoutTtl(foretold))
  // Between the two a second may have begun.
  t.ok(ttlOf(foretold) - ttlOf(seen) <= 1)
  t.match(await explain(b, credential), { redis: { state: 'not-asked' } })
})

t.test('a purge is seen in what Redis would bring', async (t) => {
  const [a, b] = await startPair(t)
  const credential = await credentialIn(b)
  await callAdmin(a, 'POST', '/purge', { tenant: '7', customer: '1' })
  const explained = await explain(b, credential)
  t.match(explained, { redis: { state: 'opened', brought: { reason: 'fence' } } })
  const seen = statusOf(await b.get('/customers/1'))
  t.equal(withoutTtl(seen), withoutTtl(explained.prediction.cacheStatus ?? ''))
})

t.test('looking leaves Redis as it is', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, ...PATIENT }
  const [app] = await startInstances(t, 1, upstream.url, settings, { ops: OPS })
  const credential = await credentialIn(app!)
  const before = await redis.cli('DBSIZE')
  await explain(app!, credential)
  t.equal(await redis.cli('DBSIZE'), before, 'no fence was made')
})

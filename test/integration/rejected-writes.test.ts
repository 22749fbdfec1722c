/** What a write that changes nothing costs those who read: nothing, whoever sends it, on all instances. */
import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const REJECTIONS = [400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429, 431]
const READER = { authorization: 'Bearer reader.token' }
const STRANGER = { authorization: 'Bearer no.body', 'content-type': 'application/json' }
const WRITES = [
  ['PATCH', '/customers/1'],
  ['PATCH', '/customers/x'],
  ['DELETE', '/customers/search'],
  ['DELETE', '/customers/2/addresses/5'],
  ['POST', '/locations/3/customers'],
] as const
const IDS = ['1', '2', '3']

/** Customer 3 is the child of 1. */
async function stage(t: Parameters<typeof startUpstream>[0]) {
  const answers = { write: 401 }
  const upstream = await startUpstream(t, (received, res) => {
    const { method, url } = received
    const parent = url.startsWith('/customers/3') ? 1 : null
    if (method === 'GET') sendJson(res, received, `{"id": 1, "parent_id": ${parent}}`)
    else sendJson(res, received, '{"detail": "no"}', {}, answers.write)
  })
  return { upstream, answers }
}

const write = (app: TestApp, [method, path]: (typeof WRITES)[number], headers = STRANGER) =>
  app.get(path, { method, headers, body: '{}' })

const statuses = async (app: TestApp): Promise<string[]> =>
  Promise.all(
    IDS.map(async (id) =>
      String((await app.get(`/customers/${id}`, { headers: READER })).headers['cache-status']),
    ),
  )

async function areHits(t: Parameters<typeof startUpstream>[0], app: TestApp, after: string) {
  for (const status of await statuses(app)) t.match(status, /^layby; hit/, after)
}

t.test('a rejected write leaves every hit as it was', async (t) => {
  const { upstream, answers } = await stage(t)
  const app = await buildTestApp(t, upstream.url)
  await statuses(app)
  for (const status of REJECTIONS) {
    answers.write = status
    for (const each of WRITES) {
      t.equal((await write(app, each)).status, status)
      await areHits(t, app, `${each.join(' ')}: ${status}`)
      // A reader who is refused itself has no hits any more.
      if (status === 401) continue
      await write(app, each, { ...STRANGER, ...READER })
      await areHits(t, app, `${each.join(' ')} of a reader: ${status}`)
    }
  }
})

t.test('any other outcome of anybody’s write ends what it may have changed', async (t) => {
  for (const status of [200, 409, 500]) {
    const { upstream, answers } = await stage(t)
    const app = await buildTestApp(t, upstream.url)
    await statuses(app)
    answers.write = status
    await write(app, WRITES[0])
    const [one, , child] = await statuses(app)
    t.notMatch(one, /hit/, `${status}: the customer`)
    t.notMatch(child, /hit/, `${status}: its child`)
  }
})

t.test('a rejected write leaves stale copies for an outage as they were', async (t) => {
  const { upstream, answers } = await stage(t)
  const cache = { ttlMs: 1_000, staleIfErrorMs: 600_000 }
  const app = await buildTestApp(t, upstream.url, { cache })
  await statuses(app)
  answers.write = 401
  for (const each of WRITES) await write(app, each)
  await upstream.close()
  app.clock.advance(2_000)
  for (const each of WRITES) t.equal((await write(app, each)).status, 502)
  for (const status of await statuses(app)) t.match(status, /hit; ttl=-\d+; detail=sie/)
  for (const each of WRITES) await write(app, each, { ...STRANGER, ...READER })
  app.clock.advance(60_000)
  for (const status of await statuses(app)) t.match(status, /hit; ttl=-\d+; detail=sie/)
})

t.test('a rejected write through one instance leaves the hits of another', async (t) => {
  const redis = await startRedis(t)
  const { upstream, answers } = await stage(t)
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a, b] = (await startInstances(t, 2, upstream.url, patient)) as [TestApp, TestApp]
  for (const instance of [a, b, a, b]) await statuses(instance)
  const asked = upstream.requests.length
  let sent = 0
  for (const status of [401, 403, 422]) {
    answers.write = status
    for (const each of WRITES) {
      await write(a, each)
      if (status !== 401) await write(a, each, { ...STRANGER, ...READER })
      sent += status === 401 ? 1 : 2
      for (const instance of [a, b]) await areHits(t, instance, `${each.join(' ')}: ${status}`)
    }
  }
  t.equal(upstream.requests.length, asked + sent, 'no read reached the API')
  answers.write = 200
  await write(a, WRITES[0])
  await until(async () => !(await statuses(b))[0]?.includes('hit'))
})

/** What a credential is told while the API has not accepted it yet, as far as an instance knows. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const CUSTOMER = '{"id": 1, "parent_id": null}'

for (const isKnown of [false, true]) {
  const who = isKnown ? 'known' : 'new'
  t.test(`a refusal ends what an older answer would grant a ${who} credential`, async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    if (isKnown) await app.get('/customers/2')
    const before = upstream.requests.length
    // 1. A read leaves, and its answer, made while the record was visible, dawdles.
    let late = (): void => {}
    upstream.answer((received, res) => {
      if (received.url.includes('?')) sendJson(res, received, '{}', {}, 404)
      else late = () => sendJson(res, received, CUSTOMER)
    })
    const first = app.get('/customers/1')
    await upstream.received(before + 1)
    app.clock.advance(10)
    // 2. The record is taken away from the credential, which is told so.
    t.equal((await app.get('/customers/1?x=1')).status, 404)
    // 3. The answer of step 1 arrives.
    late()
    t.equal((await first).status, 200)
    upstream.answer((received, res) => sendJson(res, received, '{}', {}, 404))
    // 4. What follows is not served from it.
    t.equal((await app.get('/customers/1')).status, 404)
  })
}

for (const [path, status] of [
  ['/locations/3', 200],
  ['/customers/9', 404],
] as const) {
  t.test(`an instance that knows nothing of a credential tells of its pin: ${path}`, async (t) => {
    const redis = await startRedis(t)
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, CUSTOMER, {}, received.url.startsWith('/customers/1') ? 200 : status),
    )
    const patient = { url: redis.url, commandTimeoutMs: 2_000 }
    const [a, b] = await startInstances(t, 2, upstream.url, patient)
    await b?.get('/customers/1')
    const cacheStatus = async () => (await b?.get('/customers/1'))?.headers['cache-status']
    t.match(await cacheStatus(), /hit/)
    // The API keeps the version that was asked for last, whatever that was for.
    const other = { 'x-api-version': '2019/02/08' }
    t.equal((await a?.get(path, { headers: other }))?.status, status)
    await until(async () => /version-pin/.test(String(await cacheStatus())), 5_000)
    t.pass('a hit would have hidden the change')
  })
}

t.test('a write in doubt leaves no fence in Redis for longer than it is pending', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, '{}', {}, 500))
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a] = await startInstances(t, 1, upstream.url, patient)
  const keys = async (): Promise<string[]> => (await redis.cli('KEYS', '*')).split('\n')
  const before = new Set(await keys())
  const headers = { authorization: 'Bearer made.up', 'content-type': 'application/json' }
  for (const status of [500, 409, 408]) {
    upstream.answer((received, res) => sendJson(res, received, '{}', {}, status))
    await a?.get(`/customers/${status}/contacts`, { method: 'POST', headers, body: '{}' })
  }
  const left = (await keys()).filter((key) => !before.has(key))
  for (const key of left) {
    const ms = Number(await redis.cli('PTTL', key))
    t.ok(ms <= 60_000, `${key}: ${ms}`)
  }
})

import t from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, type TestApp, VERSION } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type Script, sendJson, startUpstream } from '../helpers/upstream.ts'

const BODY = '{"id": 1, "parent_id": null}'
const OPS = { adminToken: ADMIN_TOKEN }
const READERS = ['one', 'two', 'three', 'four']

/** As an API behind a gateway answers: what changes with every answer stands beside what never does. */
const gateway: Script = (received, res, n) =>
  sendJson(res, received, BODY, {
    'X-RateLimit-Remaining': String(1_000 - n),
    'CF-Ray': `ray-${n}`,
    'X-Amzn-Trace-Id': `Root=${n}`,
    'X-Vendor-Request-Id': `id-${n}`,
    'Content-Security-Policy': `script-src 'nonce-${n}'`,
    NEL: `{"n":${n}}`,
    'Content-Language': 'en',
    Link: '</customers>; rel="collection"',
    Deprecation: '@1688169599',
  })

async function counted(app: TestApp, series: string): Promise<number> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? Number.NaN)
}

async function credentialIn(app: TestApp): Promise<string> {
  const { body } = await callAdmin(app, 'POST', '/credential', { token: 'token-one.aaaa' })
  return body['credential'] as string
}

const as = (reader: string) => ({ headers: { authorization: `Bearer token-${reader}.aaaa` } })

t.test('headers of one exchange are no change, and are not shown to others', async (t) => {
  const upstream = await startUpstream(t, gateway)
  const cache = { ttlMs: 60_000, credentialTtlMs: 900_000 }
  const app = await buildTestApp(t, upstream.url, { cache })
  for (const reader of READERS) await app.get('/customers/1', as(reader))
  t.equal(upstream.requests.length, 4)
  for (let refresh = 1; refresh <= 3; refresh++) {
    app.clock.advance(61_000)
    for (const reader of READERS) {
      const { headers } = await app.get('/customers/1', as(reader))
      t.notOk(
        Object.keys(headers).some((name) => /ratelimit|^cf-|amzn|vendor|nel|policy$/.test(name)),
      )
      t.equal(headers['content-language'], 'en')
      t.equal(headers['link'], '</customers>; rel="collection"')
      t.equal(headers['deprecation'], '@1688169599')
    }
    t.equal(upstream.requests.length, 4 + refresh, 'one refresh is for all')
  }
  t.equal(await counted(app, 'layby_invalidations_total{source="change"}'), 0)
})

t.test(
  'a configured header is kept, and named where it changes beside the same body',
  async (t) => {
    const upstream = await startUpstream(t, gateway)
    const values = {
      cache: { ttlMs: 60_000, credentialTtlMs: 900_000, keepHeaders: ['CF-Ray', 'x-never-sent'] },
      ops: OPS,
    }
    const app = await buildTestApp(t, upstream.url, values)
    await app.get('/customers/1')
    t.equal((await app.get('/customers/1')).headers['cf-ray'], 'ray-1')
    app.clock.advance(61_000)
    t.equal((await app.get('/customers/1')).headers['cf-ray'], 'ray-2')
    t.equal(await counted(app, 'layby_header_changes_total{header="other"}'), 1)
    t.equal(await counted(app, 'layby_header_changes_total{header="etag"}'), 0)
    const credential = await credentialIn(app)
    const query = `tenant=7&customer=1&version=${encodeURIComponent(VERSION)}`
    const explained = await callAdmin(app, 'GET', `/explain?${query}&credential=${credential}`)
    t.match(explained.body, { lastHeaderChange: { names: ['cf-ray'], agoMs: 0 } })
  },
)

t.test('a header of the representation that changes is counted by its name', async (t) => {
  const upstream = await startUpstream(t, (received, res, n) =>
    sendJson(res, received, BODY, { ETag: `"v${n}"`, 'Content-Language': n > 2 ? 'fr' : 'en' }),
  )
  const app = await buildTestApp(t, upstream.url, { cache: { ttlMs: 1_000 } })
  for (let i = 0; i < 3; i++) {
    await app.get('/customers/1')
    app.clock.advance(1_001)
  }
  t.equal(await counted(app, 'layby_header_changes_total{header="etag"}'), 2)
  t.equal(await counted(app, 'layby_header_changes_total{header="content-language"}'), 1)
})

t.test('what another rule has stored is a miss, and no change', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, gateway)
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a] = await startInstances(t, 1, upstream.url, patient)
  const cache = { keepHeaders: ['x-other'] }
  const [b] = await startInstances(t, 1, upstream.url, patient, { cache })
  if (a === undefined || b === undefined) return
  const isStored = async (count: number): Promise<void> =>
    until(async () => Number(await redis.cli('EVAL', KEPT_RECORDS, '0')) >= count)
  await a.get('/customers/1')
  await isStored(1)
  t.match((await b.get('/customers/1')).headers['cache-status'], /fwd=uri-miss; stored/)
  t.equal(upstream.requests.length, 2)
  t.equal(await counted(b, 'layby_invalidations_total{source="change"}'), 0)
  t.match((await a.get('/customers/1')).headers['cache-status'], /hit.*memory/)
  t.equal(await counted(a, 'layby_staleness_seconds_count'), 0)
})

/** Values that are sealed frames. */
const KEPT_RECORDS = `
  local count = 0
  for _, key in ipairs(redis.call('KEYS', '*')) do
    if redis.call('TYPE', key).ok == 'string' and redis.call('GETRANGE', key, 0, 1) == 'LB' then count = count + 1 end
  end
  return count`

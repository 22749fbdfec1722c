/** Alerts on what clients and the API do, over series that a Layby has shown under it. */
import t, { type Test } from 'tap'
import { ALERT_RULES, expectFiring, Recording, scrape } from '../helpers/alert-series.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { type Script, sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

type Ask = () => Promise<unknown>

/** Two scrapes with one round of traffic between them, then the same for so many minutes. */
async function recorded(app: TestApp, round: Ask, minutes: number): Promise<Recording> {
  const recording = new Recording()
  // The first of a series is seen by no rate.
  await round()
  recording.add(await scrape(app.opsUrl))
  await round()
  recording.add(await scrape(app.opsUrl))
  recording.goOn(minutes)
  return recording
}

async function times(count: number, ask: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n++) await ask(n)
}

const answering =
  (status: number, headers: Record<string, string> = {}): Script =>
  (received, res) =>
    sendJson(res, received, { id: 1, error: 'no' }, headers, status)

t.test('nothing fires for an hour of plain traffic', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  let id = 1
  const round = async (): Promise<void> => {
    await times(20, () => app.get('/customers/1'))
    await app.get(`/customers/${++id}`)
    await app.get('/things')
    await app.get('/customers/1', { headers: { 'x-tenant-id': 'no number' } })
    // One error now and then is no alert.
    if (id === 2) upstream.answer(answering(503))
    if (id === 2) await app.get('/things')
    upstream.answer(answering(200))
  }
  const recording = await recorded(app, round, 60)
  for (const minute of [1, 3, 5, 10, 20, 40, 60]) expectFiring(t, recording.series(), minute, [])
  t.ok(ALERT_RULES.length >= 15, 'of which there are many')
})

t.test('LaybyHitRatioLow fires where most reads go to the API', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  let id = 0
  const missing = await recorded(app, () => times(40, () => app.get(`/customers/${++id}`)), 60)
  expectFiring(t, missing.series(), 20, [])
  expectFiring(t, missing.series(), 58, ['LaybyHitRatioLow'])
  const half = async (): Promise<void> => {
    await times(20, () => app.get(`/customers/${++id}`))
    await times(24, () => app.get('/customers/1'))
  }
  expectFiring(t, (await recorded(app, half, 60)).series(), 58, [])
})

t.test('LaybyHitRatioLow counts reads that failed, and nothing that passes through', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    if (received.url.startsWith('/broken')) res.destroy()
    else sendJson(res, received, { id: 1 })
  })
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1')
  const failing = (path: string) => async () => {
    await times(40, (n) => app.get(`${path}/${100 + n}`))
    await times(20, () => app.get('/customers/1'))
  }
  const passed = (await recorded(app, failing('/broken'), 60)).series()
  expectFiring(t, passed, 58, ['LaybyServerErrors', 'LaybyUpstreamErrors'])
  await upstream.close()
  const read = (await recorded(app, failing('/customers'), 60)).series()
  const alerts = ['LaybyHitRatioLow', 'LaybyServerErrors', 'LaybyUpstreamBreakerOpen']
  expectFiring(t, read, 58, alerts)
})

t.test('an open breaker and errors to clients raise alerts', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  await upstream.close()
  let id = 0
  const round = () => times(12, () => app.get(`/customers/${++id}`))
  const recording = await recorded(app, round, 20)
  expectFiring(t, recording.series(), 1, [])
  expectFiring(t, recording.series(), 4, ['LaybyUpstreamBreakerOpen'])
  expectFiring(t, recording.series(), 15, ['LaybyServerErrors', 'LaybyUpstreamBreakerOpen'])
})

t.test(
  'LaybyUpstreamErrors fires above one failed call in twenty, short of an open breaker',
  async (t) => {
    const upstream = await startUpstream(t, (received, res) => {
      if (received.url.startsWith('/broken')) res.destroy()
      else sendJson(res, received, { id: 1 })
    })
    const app = await buildTestApp(t, upstream.url)
    let id = 1
    // Few are misses, and many hits: clients see one error in a hundred.
    const withFailures = (failing: number) => async () => {
      await times(failing, (n) => app.get(`/broken/${n}`))
      await times(20, () => app.get(`/customers/${++id}`))
      await times(120, () => app.get('/customers/1'))
    }
    const many = await recorded(app, withFailures(2), 20)
    expectFiring(t, many.series(), 3, [])
    expectFiring(t, many.series(), 15, ['LaybyUpstreamErrors'])
    const few = await recorded(app, withFailures(1), 20)
    expectFiring(t, few.series(), 15, [])
  },
)

t.test('LaybyServerErrors fires above one error in twenty answers', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    const status = received.url.startsWith('/failing') ? 500 : 200
    sendJson(res, received, { id: 1 }, {}, status)
  })
  const app = await buildTestApp(t, upstream.url)
  const withErrors = (count: number) => async () => {
    await times(count, () => app.get('/failing'))
    await times(60, () => app.get('/customers/1'))
  }
  const many = await recorded(app, withErrors(4), 20)
  expectFiring(t, many.series(), 3, [])
  expectFiring(t, many.series(), 15, ['LaybyServerErrors'])
  const few = await recorded(app, withErrors(2), 20)
  expectFiring(t, few.series(), 15, [])
})

t.test(
  'LaybyShedding warns of a tenant at its limit, and calls it no fault of the API',
  async (t) => {
    const upstream = await startUpstream(t, answering(429, { 'Retry-After': '30' }))
    const app = await buildTestApp(t, upstream.url)
    let id = 0
    await app.get(`/customers/${++id}`)
    const round = () => times(5, () => app.get(`/customers/${++id}`))
    const recording = await recorded(app, round, 20)
    t.equal((await app.get('/customers/9')).status, 503, 'without asking')
    t.equal(upstream.requests.length, 1)
    expectFiring(t, recording.series(), 1, [])
    expectFiring(t, recording.series(), 15, ['LaybyShedding'])
  },
)

t.test('LaybyStalenessHigh fires where changes are found minutes late', async (t) => {
  let version = 0
  const upstream = await startUpstream(t, (received, res) => {
    sendJson(res, received, `{"id": 1, "version": ${++version}, "parent_id": null}`)
  })
  const cache = { ttlMs: 600_000, credentialTtlMs: 3_600_000, grantTtlMs: 86_400_000 }
  const app = await buildTestApp(t, upstream.url, { cache })
  const lastRead = (afterMs: number) => async () => {
    await app.get('/customers/1')
    app.clock.advance(afterMs)
    await app.get('/customers/1')
    app.clock.advance(601_000 - afterMs)
  }
  const late = await recorded(app, lastRead(500_000), 80)
  expectFiring(t, late.series(), 20, [])
  expectFiring(t, late.series(), 75, ['LaybyStalenessHigh'])
  const soon = await recorded(app, lastRead(60_000), 80)
  expectFiring(t, soon.series(), 75, [])
})

t.test('LaybySharingTripped fires where a tenant shows two views of a record', async (t) => {
  const recording = new Recording()
  const app = await tenantSharing(t)
  const one = { headers: { authorization: 'Bearer one.a' } }
  const two = { headers: { authorization: 'Bearer two.a' } }
  await app.get('/customers/1', one)
  await app.get('/customers/2', two)
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  expectFiring(t, recording.series(), 4, [])
  const fresh = (who: typeof one) =>
    app.get('/customers/1', { headers: { ...who.headers, 'cache-control': 'no-cache' } })
  for (let i = 0; i < 3; i++) {
    await fresh(one)
    app.clock.advance(2_000)
    await fresh(two)
    app.clock.advance(2_000)
  }
  recording.add(await scrape(app.opsUrl))
  recording.hold(5)
  expectFiring(t, recording.series(), 9, ['LaybySharingTripped'])
})

/** Each credential is shown something else. */
async function tenantSharing(t: Test): Promise<TestApp> {
  const upstream = await startUpstream(t, (received, res) => {
    const view = JSON.stringify(received.headers.authorization)
    sendJson(res, received, `{"id": 1, "view": ${view}, "parent_id": null}`)
  })
  const times = { credentialTtlMs: 8_000_000, grantTtlMs: 8_000_000 }
  return buildTestApp(t, upstream.url, { cache: { sharing: 'tenant', ...times } })
}

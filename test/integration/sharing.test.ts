import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const ONE = { headers: { authorization: 'Bearer token-one.aaaa' } }
const TWO = { headers: { authorization: 'Bearer token-two.bbbb' } }
const status = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

/** `one` and `two` see the same or not, by what is set. */
async function start(t: Parameters<typeof startUpstream>[0], cache: Record<string, unknown> = {}) {
  const views: Record<string, string> = { one: 'A', two: 'A' }
  const statuses: Record<string, number> = {}
  const upstream = await startUpstream(t, (received, res) => {
    const who = /token-(one|two)/.exec(String(received.headers.authorization))?.[1] ?? ''
    const code = statuses[who] ?? 200
    const body = `{"id": 1, "name": "${views[who]}", "parent_id": null}`
    sendJson(res, received, code === 200 ? body : '{"field": "x"}', {}, code)
  })
  const app = await buildTestApp(t, upstream.url, { cache: { credentialTtlMs: 800_000, ...cache } })
  return { upstream, app, views, statuses }
}

t.test(
  'witnessed: a second credential asks once, and then both keep the bytes fresh for one another',
  async (t) => {
    const { app, upstream } = await start(t)
    await app.get('/customers/1/', ONE)
    t.match(status(await app.get('/customers/1/', TWO)), /fwd=uri-miss; stored/, 'never vary-miss')
    app.clock.advance(299_000)
    app.clock.advance(2_000)
    t.match(status(await app.get('/customers/1/', ONE)), /fwd=stale/)
    t.match(status(await app.get('/customers/1/', TWO)), /hit; ttl=300/, 'renewed by the other')
    t.equal(upstream.requests.length, 3)
  },
)

t.test('credential: freshness is private too', async (t) => {
  const { app, upstream } = await start(t, { sharing: 'credential' })
  await app.get('/customers/1/', ONE)
  await app.get('/customers/1/', TWO)
  app.clock.advance(301_000)
  t.match(status(await app.get('/customers/1/', ONE)), /fwd=stale/)
  t.match(status(await app.get('/customers/1/', TWO)), /fwd=stale/)
  t.equal(upstream.requests.length, 4)
})

t.test('tenant: an admitted credential needs no grant, another one is not admitted', async (t) => {
  const { app, upstream } = await start(t, { sharing: 'tenant' })
  await app.get('/customers/1/', ONE)
  t.match(status(await app.get('/customers/1/', TWO)), /uri-miss/, 'not admitted yet')
  await app.get('/customers/2/', ONE)
  t.match(status(await app.get('/customers/2/', TWO)), /hit/, 'admitted, and no grant needed')
  t.equal(upstream.requests.length, 3)
  t.match(app.logged(), /every admitted token of a tenant/, 'it says so at the start')
  const metrics = await fetch(`${app.opsUrl}/metrics`)
  t.match(await metrics.text(), /layby_sharing_info\{sharing="tenant"\} 1/)
})

t.test('tenant: who was refused a record is not given it by way of others', async (t) => {
  const { app, statuses } = await start(t, { sharing: 'tenant' })
  await app.get('/customers/1/', ONE)
  await app.get('/customers/2/', TWO)
  t.match(status(await app.get('/customers/1/', TWO)), /hit/)
  statuses['two'] = 403
  app.clock.advance(2_000)
  const refused = { headers: { ...TWO.headers, 'cache-control': 'no-cache' } }
  t.equal((await app.get('/customers/1/', refused)).status, 403)
  t.equal((await app.get('/customers/1/', TWO)).status, 403)
  t.match(status(await app.get('/customers/1/', ONE)), /hit/)
})

t.test('tenant: two views of one record drop the tenant to witnessed for an hour', async (t) => {
  const { app, views } = await start(t, {
    sharing: 'tenant',
    credentialTtlMs: 8_000_000,
    grantTtlMs: 8_000_000,
  })
  views['two'] = 'B'
  const fresh = (who: typeof ONE) =>
    app.get('/customers/1/', { headers: { ...who.headers, 'cache-control': 'no-cache' } })
  await fresh(ONE)
  for (const who of [TWO, ONE]) {
    app.clock.advance(2_000)
    await fresh(who)
  }
  t.match(app.logged(), /tenant sharing is off for an hour/)
  app.clock.advance(2_000)
  await fresh(TWO)
  t.match((await app.get('/customers/1/', ONE)).body, /"A"/, 'one is not shown what two was given')
  t.match((await app.get('/customers/1/', TWO)).body, /"B"/)
  app.clock.advance(3_600_000)
  await app.get('/customers/1/', ONE)
  t.match(status(await app.get('/customers/1/', TWO)), /hit/, 'after the hour it is plain again')
})

t.test('a changed digest is stale at once for all who hold it', async (t) => {
  const { app, views } = await start(t)
  await app.get('/customers/1/', ONE)
  await app.get('/customers/1/', TWO)
  views['one'] = 'C'
  views['two'] = 'C'
  app.clock.advance(2_000)
  await app.get('/customers/1/', { headers: { ...ONE.headers, 'cache-control': 'no-cache' } })
  const two = await app.get('/customers/1/', TWO)
  t.match(status(two), /fwd=stale/)
  t.match(two.body, /"C"/)
})

t.test(
  'a 401 ends the admission and all grants of the credential, and nobody else’s',
  async (t) => {
    const { app, statuses, upstream } = await start(t)
    for (const who of [ONE, TWO]) for (const id of [1, 2]) await app.get(`/customers/${id}/`, who)
    statuses['one'] = 401
    app.clock.advance(2_000)
    t.equal((await app.get('/jobs', ONE)).status, 401, 'on any path')
    t.equal((await app.get('/customers/1/', ONE)).status, 401)
    t.equal((await app.get('/customers/2/', ONE)).status, 401)
    t.match(status(await app.get('/customers/1/', TWO)), /hit/)
    statuses['one'] = 200
    await app.get('/customers/1/', ONE)
    t.match(status(await app.get('/customers/2/', ONE)), /fwd=/, 'the old grants stay dead')
    t.ok(upstream.requests.length > 0)
  },
)

t.test(
  '403 and 404 end the grant for that resource in every version, and are never stored',
  async (t) => {
    for (const code of [403, 404]) {
      const { app, statuses } = await start(t)
      const old = { headers: { ...ONE.headers, 'x-api-version': '2019/02/08' } }
      await app.get('/customers/1/', old)
      await app.get('/customers/1/', ONE)
      await app.get('/customers/2/', ONE)
      statuses['one'] = code
      app.clock.advance(2_000)
      const refused = await app.get('/customers/1/', {
        headers: { ...ONE.headers, 'cache-control': 'no-cache' },
      })
      t.equal(refused.status, code)
      t.match(status(refused), /detail=reject\.status/)
      t.equal((await app.get('/customers/1/', ONE)).status, code)
      t.equal((await app.get('/customers/1/', old)).status, code)
      statuses['one'] = 200
      t.match(
        status(await app.get('/customers/2/', ONE)),
        /fwd=request|hit/,
        'other resources stay',
      )
    }
  },
)

t.test('a lapsed admission sends the next read upstream, hits do not renew it', async (t) => {
  const { app } = await start(t, {
    ttlMs: 3_000_000,
    grantTtlMs: 3_000_000,
    credentialTtlMs: 300_000,
  })
  await app.get('/customers/1/', ONE)
  for (let i = 0; i < 3; i++) {
    app.clock.advance(99_000)
    t.match(status(await app.get('/customers/1/', ONE)), /hit/)
  }
  app.clock.advance(3_000)
  t.match(status(await app.get('/customers/1/', ONE)), /fwd=uri-miss/)
  await app.get('/customers/2/', TWO)
  app.clock.advance(200_000)
  await app.get('/customers/9', {
    method: 'PATCH',
    ...ONE,
    headers: { ...ONE.headers, 'content-type': 'application/json' },
    body: '{}',
  })
  app.clock.advance(200_000)
  t.match(
    status(await app.get('/customers/1/', ONE)),
    /hit/,
    'a write below a cached resource renews it',
  )
})

t.test('tenants beyond 2^53 are different tenants', async (t) => {
  const { app, upstream } = await start(t)
  const of = (tenant: string) => ({ headers: { ...ONE.headers, 'x-tenant-id': tenant } })
  await app.get('/customers/1/', of('9007199254740992'))
  t.match(status(await app.get('/customers/1/', of('9007199254740993'))), /uri-miss/)
  t.equal(upstream.requests.length, 2)
  await app.get('/customers/9007199254740992', of('7'))
  t.match(status(await app.get('/customers/9007199254740993', of('7'))), /uri-miss/)
})

t.test('an absent version is a form of its own', async (t) => {
  const { app } = await start(t)
  await app.get('/customers/1/', { headers: { 'x-api-version': '2019/02/08' } })
  const absent = { headers: { 'x-api-version': undefined } }
  const first = await app.get('/customers/1/', absent)
  t.match(status(first), /fwd=uri-miss; stored/)
  t.equal(first.headers['x-api-version'], '2019/02/08')
  t.match(status(await app.get('/customers/1/', absent)), /hit/)
})

t.test(
  'a request for another version than the last one used upstream is forwarded, though a fresh copy is there',
  async (t) => {
    const { app, upstream } = await start(t)
    const of = (version: string) => ({ headers: { ...ONE.headers, 'x-api-version': version } })
    await app.get('/customers/1/', of('2019/02/08'))
    await app.get('/customers/1/', of('2023/04/19'))
    const back = await app.get('/customers/1/', of('2019/02/08'))
    t.equal(status(back), 'layby; fwd=request; stored; ttl=300; detail=version-pin')
    t.match(status(await app.get('/customers/1/', of('2019/02/08'))), /hit/)
    await app.get('/jobs', of('2021/04/07'))
    t.match(
      status(await app.get('/customers/1/', of('2019/02/08'))),
      /version-pin/,
      'other paths move the pin too',
    )
    t.equal(upstream.requests.length, 5)
  },
)

t.test('an answer of another version than the one asked for is not stored', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{"parent_id": null}', { 'X-API-VERSION': '2019/02/08' }),
  )
  const app = await buildTestApp(t, upstream.url)
  t.equal(status(await app.get('/customers/1/')), 'layby; fwd=uri-miss; detail=reject.version')
  t.equal(HEADERS['x-api-version'], '2023/04/19')
})

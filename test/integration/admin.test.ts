/** The admin API of one instance: who may call it, what it does, what it leaves behind in the log. */
import t, { type Test } from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const OTHER = { authorization: 'Bearer token-two.bbbb' }

async function stage(
  t: Test,
  values = {},
): Promise<{ readonly app: TestApp; readonly upstream: ScriptedUpstream }> {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: { adminToken: ADMIN_TOKEN }, ...values })
  return { app, upstream }
}

/** Of the reads in order: H for a hit, F for a fill. */
async function read(app: TestApp, ...asks: [path: string, headers?: object][]): Promise<string> {
  let kinds = ''
  for (const [path, headers = {}] of asks) {
    const reply = await app.get(path, { headers: { ...headers } })
    kinds += /; hit/.test(String(reply.headers['cache-status'])) ? 'H' : 'F'
  }
  return kinds
}

t.test('a purge of one customer drops the entries of that customer, and no others', async (t) => {
  const { app } = await stage(t)
  const all: [string, object?][] = [
    ['/customers/1'],
    ['/customers/1', OTHER],
    ['/customers/1', { 'x-api-version': undefined }],
    ['/customers/2'],
    ['/customers/1', { 'x-tenant-id': '8' }],
  ]
  t.equal(await read(app, ...all), 'FFFFF')
  t.equal(await read(app, ['/customers/1'], ['/customers/2']), 'HH')
  const answer = await callAdmin(app, 'POST', '/purge', { tenant: '7', customer: '1' })
  t.equal(answer.status, 202)
  t.match(answer.body, {
    generation: /^[A-Za-z0-9_-]{16}$/,
    instancesAcked: 1,
    instancesKnown: 1,
    purged: { mode: 'hard', scope: 'customer', tenant: '7', customer: '1' },
  })
  t.notOk('pending' in answer.body)
  const rest: [string, object?][] = [['/customers/2'], ['/customers/1', { 'x-tenant-id': '8' }]]
  t.equal(await read(app, ...rest), 'HH')
  t.equal(await read(app, ['/customers/1'], ['/customers/1', OTHER]), 'FF')
  t.equal(await read(app, ['/customers/1'], ['/customers/1', OTHER]), 'HH', 'and is filled anew')
  const metrics = await (await fetch(`${app.opsUrl}/metrics`)).text()
  t.match(metrics, 'layby_invalidations_total{source="purge"} 1\n')
})

t.test('a purge of a tenant drops all of its entries, and those of no other', async (t) => {
  const { app } = await stage(t)
  const asks: [string, object?][] = [
    ['/customers/1'],
    ['/customers/2', OTHER],
    ['/customers/1', { 'x-tenant-id': '8' }],
  ]
  t.equal(await read(app, ...asks), 'FFF')
  const answer = await callAdmin(app, 'POST', '/purge', { tenant: '7', all: true })
  t.equal(answer.status, 202)
  t.strictSame(answer.body['purged'], { mode: 'hard', scope: 'tenant', tenant: '7' })
  t.equal(await read(app, ...asks), 'FFH')
})

t.test('a purge of a credential drops what was given to it, in all tenants', async (t) => {
  const { app } = await stage(t)
  const asks: [string, object?][] = [
    ['/customers/1'],
    ['/customers/1', { 'x-tenant-id': '8' }],
    ['/customers/1', OTHER],
  ]
  t.equal(await read(app, ...asks), 'FFF')
  const token = HEADERS.authorization.slice('Bearer '.length)
  const named = await callAdmin(app, 'POST', '/credential', { token })
  t.equal(named.status, 200)
  t.match(named.body['credential'], /^[A-Za-z0-9_-]{43}$/)
  const answer = await callAdmin(app, 'POST', '/purge', named.body)
  t.equal(answer.status, 202)
  t.equal(await read(app, ...asks), 'FFH')
  t.notOk(app.logged().includes(token), 'and the token is nowhere in the log')
})

t.test('a credential that is known by a retired secret is purged under that too', async (t) => {
  const former = 'a former secret for tests, 32 long and more'
  const { app } = await stage(t, { previousSecrets: [former] })
  const named = await callAdmin(app, 'POST', '/credential', { token: 'token-one.aaaa' })
  t.equal((named.body['former'] as unknown[]).length, 1)
  t.equal((await callAdmin(app, 'POST', '/purge', named.body)).status, 202)
})

t.test('the tenants that ask most are told, with why they miss', async (t) => {
  const { app } = await stage(t)
  await read(app, ['/customers/1'], ['/customers/1'], ['/customers/2', { 'x-tenant-id': '8' }])
  const { status, body } = await callAdmin(app, 'GET', '/tenants')
  t.equal(status, 200)
  t.match(body['tenants'], [
    { tenant: '7', requests: 2, hits: 1, misses: { 'uri-miss': 1 } },
    { tenant: '8', requests: 1, hits: 0, misses: { 'uri-miss': 1 } },
  ])
  const first = await callAdmin(app, 'GET', '/tenants?top=1')
  t.equal((first.body['tenants'] as unknown[]).length, 1)
  for (const top of ['0', '101', '-1', 'x', '1&top=2'])
    t.equal((await callAdmin(app, 'GET', `/tenants?top=${top}`)).status, 400, top)
})

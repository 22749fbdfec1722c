/** Nobody but the operator reaches the admin API (reliability S13). */
import t from 'tap'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import { buildTestApp } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

const PATHS = [
  '/admin',
  '/admin/',
  '/admin/purge',
  '/admin/purge/',
  '/admin/explain',
  '/admin/credential',
  '/admin/tenants',
  '/admin/tenants/7',
  '/admin/metrics',
  '/admin/debug',
  '/admin/customers/1',
  '/ADMIN/purge',
  '/Admin',
  '/admin/..%2fadmin/purge',
  '/admin/%70urge',
  '/%61dmin/purge',
  '//admin/purge',
  '/./admin/purge',
  '/x/../admin/purge',
  '/admin;x=1/purge',
  '/admin/purge?tenant=7',
  '/admin/purge%00',
  '/admin//purge',
  '/admin/health',
  '/admin/dashboard',
]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

t.test('on the public port there is none of it, and the upstream is not asked', async (t) => {
  t.ok(PATHS.length >= 25)
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: { adminToken: ADMIN_TOKEN } })
  const tokens = ['Bearer token-one.aaaa', `Bearer ${ADMIN_TOKEN}.a`]
  for (const path of PATHS)
    for (const method of METHODS)
      for (const authorization of tokens) {
        const body = /POST|PUT|PATCH/.test(method) ? '{"tenant":"7","all":true}' : undefined
        const headers = {
          authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        }
        const ask = { method, headers, ...(body === undefined ? {} : { body }) }
        const { status, body: text } = await app.get(path, ask)
        if (![400, 404].includes(status)) t.fail(`${method} ${path}: ${status}`)
        if (/generation|instancesAcked/.test(text)) t.fail(`${method} ${path} was carried out`)
      }
  t.strictSame(
    upstream.requests.map(({ url }) => url),
    [],
  )
})

t.test('without a token in the configuration there is no admin API at all', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const [method, path] of [
    ['POST', '/purge'],
    ['GET', '/tenants'],
    ['PUT', '/tenants/7'],
    ['GET', ''],
  ] as const) {
    t.equal((await callAdmin(app, method, path)).status, 404)
  }
})

t.test('whoever has not the token is told no more than that', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { ops: { adminToken: ADMIN_TOKEN } })
  await app.get('/customers/1')
  const target = { tenant: '7', all: true }
  const paths = ['/purge', '/tenants', '/no-such-call']
  for (const path of paths) {
    const missing = await callAdmin(app, 'POST', path, target, null)
    t.equal(missing.status, 401)
    t.equal(missing.headers.get('www-authenticate'), 'Bearer')
    t.match(missing.headers.get('content-type'), 'application/problem+json')
    t.match(missing.body, { type: 'urn:layby:problem:missing-credentials', status: 401 })
  }
  const wrong = [
    `Bearer ${ADMIN_TOKEN}x`,
    `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
    `Bearer ${ADMIN_TOKEN.toUpperCase()}`,
    `Basic ${ADMIN_TOKEN}`,
    ADMIN_TOKEN,
    'Bearer',
    `Bearer ${ADMIN_TOKEN} ${ADMIN_TOKEN}`,
    'Bearer wrong-token-canary',
  ]
  for (const authorization of wrong) {
    const answer = await callAdmin(app, 'POST', '/purge', target, authorization)
    t.equal(answer.status, 401, authorization)
    t.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
  }
  t.match((await app.get('/customers/1')).headers['cache-status'], /hit/, 'nothing was purged')
  const refusals = app.logged().match(/admin call refused/g) ?? []
  t.ok(refusals.length > 0 && refusals.length <= 3, 'the log is not flooded')
  t.equal((await callAdmin(app, 'GET', '/no-such-call')).status, 404)
  const large = { tenant: '7', customer: '1'.repeat(5_000) }
  t.equal((await callAdmin(app, 'POST', '/purge', large)).status, 413)
  t.equal((await callAdmin(app, 'POST', '/purge', { tenant: 7, all: true })).status, 400)
  t.equal((await callAdmin(app, 'POST', '/purge', { tenant: '7' })).status, 400)
  t.equal((await callAdmin(app, 'POST', '/purge', target)).status, 202)
  const lines = app
    .logged()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['event.action'] === 'purge' && line['event.outcome'] === 'success')
  t.match(lines, [{ scope: 'tenant', tenant: '7', mode: 'hard', acknowledged: '1 of 1' }])
  for (const secret of [ADMIN_TOKEN, 'wrong-token-canary']) t.notOk(app.logged().includes(secret))
})

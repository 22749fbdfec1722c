/** What pages of other origins are told: who may read an answer, and what they may send. */
import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { type Received, type Script, sendJson, startUpstream } from '../helpers/upstream.ts'

const APP = 'https://app.example'
const OTHER = 'https://other.example'
const NO_CREDENTIALS = {
  authorization: undefined,
  'x-tenant-id': undefined,
  'x-api-version': undefined,
}
const ORIGIN = 'access-control-allow-origin'
const CREDENTIALS = 'access-control-allow-credentials'
const EXPOSE = 'access-control-expose-headers'

/** An API that knows one origin, and speaks of CORS only to those who name theirs. */
const onlyOnOrigin: Script = (received, res) => {
  const { method, headers } = received
  const isKnown = headers.origin === APP
  const cors: Record<string, string> = isKnown
    ? {
        'Access-Control-Allow-Origin': APP,
        'Access-Control-Allow-Credentials': 'true',
        Vary: 'Origin',
      }
    : { Vary: 'Origin' }
  if (method === 'OPTIONS') {
    const lists = {
      'Access-Control-Allow-Methods': 'GET, PATCH',
      'Access-Control-Allow-Headers': 'Authorization, X-TENANT-ID',
    }
    res.writeHead(isKnown ? 204 : 403, isKnown ? { ...cors, ...lists } : cors)
    res.end()
    return
  }
  const body = `{"id": ${/[0-9]+/.exec(received.url)?.[0] ?? 0}, "parent_id": null}`
  // As an API that sends both on every answer has it, without the CORS fields that it does not send.
  res.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Api-Version': headers['x-api-version'] ?? '2019/02/08',
    ...cors,
  })
  res.end(body)
}

function preflight(
  app: TestApp,
  {
    origin = APP,
    path = '/customers/1',
    method = 'GET',
    names = 'authorization,x-tenant-id,x-api-version,if-none-match',
  } = {},
) {
  const asked = { 'access-control-request-method': method, 'access-control-request-headers': names }
  return app.get(path, { method: 'OPTIONS', headers: { ...NO_CREDENTIALS, origin, ...asked } })
}

const preflights = (requests: readonly Received[]): number =>
  requests.filter(({ method }) => method === 'OPTIONS').length

t.test(
  'a preflight that the API has answered is answered from memory, for ten minutes',
  async (t) => {
    const upstream = await startUpstream(t, onlyOnOrigin)
    const app = await buildTestApp(t, upstream.url)
    for (const [path, elapsed, maxAge] of [
      ['/customers/1', 0, 600],
      ['/customers/1', 1_500, 598],
      ['/customers/22', 598_499, 0],
    ] as const) {
      app.clock.advance(elapsed)
      const reply = await preflight(app, { path })
      t.equal(reply.status, 204)
      t.equal(reply.headers[ORIGIN], APP)
      t.equal(reply.headers[CREDENTIALS], 'true')
      t.equal(reply.headers['access-control-allow-methods'], 'GET, PATCH')
      t.equal(
        reply.headers['access-control-allow-headers'],
        'Authorization, X-TENANT-ID, x-api-version, x-request-id, if-none-match, cache-control, traceparent',
      )
      t.equal(reply.headers['access-control-max-age'], String(maxAge))
      t.match(reply.headers['vary'], /^Origin, Access-Control-Request-Method/)
      t.ok(reply.headers['x-request-id'])
      t.equal(upstream.requests.length, 1)
    }
    t.match(app.reports.at(-1), {
      method: 'OPTIONS',
      status: 204,
      problem: null,
      outcome: { kind: 'pass-through' },
    })
    app.clock.advance(1)
    await preflight(app)
    t.equal(upstream.requests.length, 2, 'asked again')
    t.equal(
      upstream.requests[0]?.headers['access-control-request-headers'],
      'authorization,x-tenant-id',
      'the API is not asked of names that are read here',
    )
    await upstream.close()
    t.equal((await preflight(app)).status, 204, 'the API need not be there')
  },
)

t.test('a remembered answer is for its origin, path pattern, method and names', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    res.writeHead(200, {
      'Access-Control-Allow-Origin': received.headers.origin ?? 'x',
      'Access-Control-Allow-Headers': received.headers['access-control-request-headers'] ?? '',
      'Access-Control-Max-Age': '7',
    })
    res.end('OK')
  })
  const app = await buildTestApp(t, upstream.url)
  let asked = 0
  for (const [what, isNew] of [
    [{}, true],
    [{}, false],
    [{ names: 'X-Tenant-Id, AUTHORIZATION,,traceparent' }, false],
    [{ path: '/customers/9' }, false],
    [{ origin: OTHER }, true],
    [{ origin: `${APP}:8080` }, true],
    [{ origin: 'null' }, true],
    [{ method: 'PATCH' }, true],
    [{ names: 'authorization' }, true],
    [{ names: 'authorization,x-other' }, true],
    [{ path: '/customers/9/addresses' }, true],
    [{ path: '/customers/8/addresses' }, false],
    [{ path: '/things/0198c0de-0000-7000-8000-000000000001' }, true],
    [{ path: '/things/0198c0de-0000-7000-8000-000000000002' }, false],
  ] as const) {
    const reply = await preflight(app, what)
    asked += isNew ? 1 : 0
    t.equal(upstream.requests.length, asked, JSON.stringify(what))
    t.equal(reply.headers[ORIGIN], 'origin' in what ? what.origin : APP)
    t.equal(reply.headers['access-control-max-age'], '7')
  }
})

t.test(
  'what the API does not permit is neither remembered nor made of another origin’s answer',
  async (t) => {
    const upstream = await startUpstream(t, onlyOnOrigin)
    const app = await buildTestApp(t, upstream.url)
    await preflight(app)
    for (const count of [2, 3]) {
      const reply = await preflight(app, { origin: OTHER })
      t.equal(reply.status, 403)
      t.equal(reply.headers[ORIGIN], undefined)
      t.equal(upstream.requests.length, count)
    }
    let status = 200
    let origin = APP
    upstream.answer((_, res) => {
      res.writeHead(status, { 'Access-Control-Allow-Origin': origin })
      res.end()
    })
    upstream.forget()
    for (const [next, named] of [
      [500, APP],
      [404, '*'],
      [302, APP],
      [200, 'https://elsewhere.example'],
    ] as const) {
      status = next
      origin = named
      for (const _ of [1, 2]) t.equal((await preflight(app, { method: 'PUT' })).status, status)
    }
    t.equal(upstream.requests.length, 8)
  },
)

t.test('what is no preflight, or may be none, goes to the API', async (t) => {
  const upstream = await startUpstream(t, onlyOnOrigin)
  const app = await buildTestApp(t, upstream.url)
  const options = (headers: Record<string, string | string[] | undefined>) =>
    app.get('/customers/1', { method: 'OPTIONS', headers })
  const asked = { 'access-control-request-method': 'GET' }
  for (const headers of [
    { ...asked },
    { ...asked, origin: APP },
    { ...NO_CREDENTIALS, ...asked },
    { ...NO_CREDENTIALS, ...asked, origin: `${APP}/` },
    { ...NO_CREDENTIALS, ...asked, origin: 'https://a,https://b' },
    { ...NO_CREDENTIALS, origin: APP, 'access-control-request-method': 'G ET' },
    { ...NO_CREDENTIALS, ...asked, origin: APP, 'access-control-request-headers': 'a b' },
  ]) {
    for (const _ of [1, 2]) await options(headers)
  }
  t.equal(preflights(upstream.requests), 14)
  await preflight(app)
  await preflight(app, { path: '/admin/tenants' }).then(({ status }) => t.equal(status, 404))
})

t.test(
  'every answer to a page that the API permits says so, problems and stored ones too',
  async (t) => {
    const upstream = await startUpstream(t, onlyOnOrigin)
    const app = await buildTestApp(t, upstream.url)
    await preflight(app)
    await preflight(app, { path: '/customers/1/addresses' })
    const page = { origin: APP }
    const check = async (status: number, path: string, headers = {}, method = 'GET') => {
      const reply = await app.get(path, { method, headers: { ...page, ...headers } })
      t.equal(reply.status, status, path)
      t.equal(reply.headers[ORIGIN], APP, `${status} ${path}`)
      t.equal(reply.headers[CREDENTIALS], 'true')
      t.match(reply.headers[EXPOSE], /ETag/)
      t.match(reply.headers['vary'], /(^|, )Origin(,|$)/)
      t.equal(
        [reply.headers['vary']]
          .flat()
          .join()
          .match(/Origin/g)?.length,
        1,
      )
      return reply
    }
    const filled = await check(200, '/customers/1')
    t.match(filled.headers['cache-status'], 'stored')
    t.match((await check(200, '/customers/1')).headers['cache-status'], 'hit')
    await check(304, '/customers/1', { 'if-none-match': String(filled.headers['etag']) })
    await check(200, '/customers/1', {}, 'HEAD')
    await check(200, '/customers/1?a=b')
    await check(200, '/customers/1/addresses')
    await check(401, '/customers/1', { authorization: undefined })
    await check(400, '/customers/1', { 'x-tenant-id': 'x' })
    await check(504, '/customers/2', { 'cache-control': 'only-if-cached' })
    await check(412, '/customers/1', { 'if-match': String(filled.headers['etag']) }, 'DELETE')

    const plain = await app.get('/customers/1')
    t.equal(plain.headers[ORIGIN], undefined, 'no page asks')
    for (const path of ['/customers/1', '/customers/1?a=b', '/customers/1/addresses']) {
      const other = await app.get(path, { headers: { origin: OTHER } })
      t.equal(other.headers[ORIGIN], undefined, 'another page')
      t.equal(other.headers[EXPOSE], undefined)
    }
    upstream.answer((received, res) => sendJson(res, received, '{}', { ETag: '"a"' }, 403))
    t.equal((await check(403, '/customers/3')).headers[EXPOSE], filled.headers[EXPOSE])
    t.equal(
      (await check(403, '/customers/3/addresses', {}, 'DELETE').catch(() => null)) === null,
      false,
    )
    await upstream.close()
    await check(502, '/customers/4')
    await check(502, '/customers/1/addresses')
    t.match((await check(200, '/customers/1')).headers['cache-status'], 'hit')
  },
)

t.test('an API that lets every page read lets it read problems', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const asked = { headers: { origin: APP, authorization: undefined } }
  t.equal((await app.get('/customers/1', asked)).headers[ORIGIN], undefined, 'not known yet')
  await app.get('/customers/2')
  const reply = await app.get('/customers/1', asked)
  t.equal(reply.status, 401)
  t.equal(reply.headers[ORIGIN], '*')
  t.match(reply.headers[EXPOSE], 'Retry-After')
  t.equal(reply.headers['vary'], undefined)
})

t.test('an origin that the API names to all is not told to another', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{"id": 1, "parent_id": null}', { 'Access-Control-Allow-Origin': APP }),
  )
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/1', '/customers/1', '/customers/1?a=b', '/things']) {
    for (const [origin, told] of [
      [undefined, APP],
      [APP, APP],
      [OTHER, undefined],
    ] as const) {
      const reply = await app.get(path, { headers: { origin } })
      t.equal(reply.headers[ORIGIN], told, `${path} ${origin}`)
      t.equal(reply.headers[EXPOSE] === undefined, told === undefined)
    }
  }
})

t.test('configured origins are told on every answer, whatever the API says', async (t) => {
  const upstream = await startUpstream(t, (received, res) =>
    sendJson(res, received, '{"id": 1, "parent_id": null}', {
      'Access-Control-Allow-Origin': OTHER,
    }),
  )
  const cors = {
    origins: [APP, 'https://second.example'],
    methods: ['GET', 'PATCH'],
    headers: ['x-more'],
    credentials: true,
    maxAgeSeconds: 77,
  }
  const app = await buildTestApp(t, upstream.url, { cors })
  for (const origin of cors.origins) {
    const reply = await preflight(app, { origin, path: '/anything' })
    t.equal(reply.status, 204)
    t.equal(reply.headers[ORIGIN], origin)
    t.equal(reply.headers[CREDENTIALS], 'true')
    t.equal(reply.headers['access-control-allow-methods'], 'GET, PATCH')
    t.match(reply.headers['access-control-allow-headers'], /Authorization.*x-more, x-api-version/)
    t.equal(reply.headers['access-control-max-age'], '77')
    for (const path of ['/customers/1', '/customers/1', '/things', '/customers/x%2f']) {
      const answer = await app.get(path, { headers: { origin } })
      t.equal(answer.headers[ORIGIN], origin, path)
      t.equal(answer.headers[CREDENTIALS], 'true')
    }
  }
  const refused = await preflight(app, { origin: OTHER })
  t.equal(refused.status, 204)
  t.equal(refused.headers[ORIGIN], undefined)
  t.equal(refused.headers['access-control-allow-methods'], undefined)
  for (const headers of [{ origin: OTHER }, {}]) {
    for (const path of ['/customers/1', '/things']) {
      const answer = await app.get(path, { headers })
      t.equal(answer.headers[ORIGIN], undefined)
      t.match(answer.headers['vary'], 'Origin')
    }
  }
  t.equal(preflights(upstream.requests), 0)
})

t.test('configured for all, every answer is for all', async (t) => {
  const upstream = await startUpstream(t, onlyOnOrigin)
  const app = await buildTestApp(t, upstream.url, { cors: { origins: ['*'] } })
  t.equal((await preflight(app, { origin: OTHER })).headers[ORIGIN], '*')
  for (const headers of [{ origin: OTHER }, {}, { authorization: undefined }]) {
    t.equal((await app.get('/customers/1', { headers })).headers[ORIGIN], '*')
  }
})

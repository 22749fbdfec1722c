/** What is done with a request by its method: as a safe one, as a write, or not at all. */
import t, { type Test } from 'tap'
import { type Ask, buildTestApp, FAST_PATH, type TestApp, VERSION } from '../helpers/app.ts'
import { exchange, startRawUpstream } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

interface Running {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
}

async function start(t: Test): Promise<Running> {
  const upstream = await startUpstream(t)
  return { app: await buildTestApp(t, upstream.url), upstream }
}

const JSON_CONTENT: Ask = { headers: { 'content-type': 'application/json' }, body: '{"a":1}' }

const raw = (line: string, lines: readonly string[] = []): string =>
  `${[
    `${line} HTTP/1.1`,
    'Host: a',
    'Authorization: Bearer token-one.aaaa',
    'X-Tenant-Id: 7',
    `X-Api-Version: ${VERSION}`,
    ...lines,
  ].join('\r\n')}\r\n\r\n`

t.test('QUERY is forwarded with its content, each time, and leaves hits as they are', async (t) => {
  const { app, upstream } = await start(t)
  await app.get('/customers/1')
  for (const path of ['/customers/1', '/customers/1/contacts', '/customers', '/jobs']) {
    for (const ask of [JSON_CONTENT, JSON_CONTENT, {}]) {
      upstream.forget()
      const reply = await app.get(path, { ...ask, method: 'QUERY' })
      t.equal(reply.status, 200)
      t.match(upstream.requests, [{ method: 'QUERY', url: path, body: ask.body ?? '' }])
      t.equal(reply.headers['age'], undefined)
    }
  }
  t.match(await app.get('/customers/1'), { headers: { 'cache-status': /^layby; hit/ } })
  const queries = app.reports.filter(({ method }) => method === 'QUERY')
  t.equal(queries.length, 12)
  t.notOk(queries.some(({ outcome }) => outcome.forward === 'method'))
})

t.test('what QUERY brings is not read as the cached resource', async (t) => {
  const { app, upstream } = await start(t)
  await app.get('/customers/1', { ...JSON_CONTENT, method: 'QUERY' })
  upstream.forget()
  await app.get('/customers/1')
  t.match(upstream.requests, [{ method: 'GET' }])
})

t.test('a method that is not known to be safe is a write', async (t) => {
  const { app, upstream } = await start(t)
  for (const method of ['PROPFIND', 'PURGE', 'SEARCH', 'LINK']) {
    for (const ask of [JSON_CONTENT, {}]) {
      await app.get('/customers/1')
      upstream.forget()
      t.equal((await app.get('/customers/1', { ...ask, method })).status, 200)
      t.match(upstream.requests, [{ method, body: ask.body ?? '' }])
      t.match(await app.get('/customers/1'), { headers: { 'cache-status': /fwd=/ } }, method)
    }
  }
})

t.test('a method that Node does not know is a write on the wire front end', async (t) => {
  const body = '{"id": 1, "parent_id": null}'
  const type = `Content-Type: application/json\r\nX-Api-Version: ${VERSION}\r\n`
  const upstream = await startRawUpstream(t, async (connection) => {
    for (let n = 1; ; n++) {
      await connection.until((text) => text.split('\r\n\r\n').length > n)
      connection.write(`HTTP/1.1 200 OK\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`)
    }
  })
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1')
  const { replies } = await exchange(app.url, raw('FROB /customers/1'))
  t.equal(replies[0]?.status, FAST_PATH ? 200 : 501)
  const sent = upstream.connections.map(({ text }) => text).join('')
  t.equal(/^FROB \/customers\/1 HTTP\/1\.1\r\n/m.test(sent), FAST_PATH)
  const reply = await app.get('/customers/1')
  t.equal(/hit/.test(String(reply.headers['cache-status'])), !FAST_PATH)
})

t.test('a method that is not well known is one in the log', async (t) => {
  const { app } = await start(t)
  await exchange(app.url, raw('PROPFIND /jobs'))
  await exchange(app.url, raw('FROB-somebody /jobs'))
  t.notMatch(app.logged(), /PROPFIND|FROB|somebody/)
  t.ok(app.reports.some(({ method }) => method === '_OTHER'))
})

t.test('OPTIONS that may go no further is answered here', async (t) => {
  const { app, upstream } = await start(t)
  const { replies } = await exchange(
    app.url,
    raw('OPTIONS /jobs', ['Max-Forwards: 0']) + raw('OPTIONS /customers/1', ['max-forwards: 00']),
    2,
  )
  t.equal(replies.length, 2)
  for (const reply of replies) {
    t.match(reply, { status: 204, body: '' })
    t.match(reply.headers.get('allow'), /GET.*QUERY/)
    t.match(reply.headers.get('x-request-id'), /^[0-9a-f-]{36}$/)
  }
  t.equal(upstream.requests.length, 0)
  t.match(app.reports, [{ status: 204, outcome: { kind: 'refused' }, problem: null }, {}])
})

t.test('OPTIONS is forwarded with one forward less', async (t) => {
  const { app, upstream } = await start(t)
  for (const [given, sent] of [
    ['1', '0'],
    ['70', '69'],
    ['99999999999', '255'],
    ['x', undefined],
    ['-1', undefined],
  ] as const) {
    upstream.forget()
    await app.get('/jobs', { method: 'OPTIONS', headers: { 'max-forwards': given } })
    t.equal(upstream.requests[0]?.headers['max-forwards'], sent, given)
  }
  upstream.forget()
  await app.get('/jobs', { headers: { 'max-forwards': '0' } })
  t.equal(upstream.requests[0]?.headers['max-forwards'], undefined, 'of others it is ignored')
})

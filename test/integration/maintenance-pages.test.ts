import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { type Script, type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const ONE = {}
const TWO = { headers: { authorization: 'Bearer token-two.bbbb' } }
const CACHE = { ttlMs: 60_000, credentialTtlMs: 900_000, staleIfErrorMs: 600_000 }

const down: Script = (received, res) => sendJson(res, received, '{}', {}, 503)

/** Two credentials hold the same copy, which has become stale. */
async function heldByTwo(
  t: Test,
  cache = {},
): Promise<{ app: TestApp; upstream: ScriptedUpstream }> {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { cache: { ...CACHE, ...cache } })
  await app.get('/customers/1', ONE)
  await app.get('/customers/1', TWO)
  app.clock.advance(61_000)
  return { app, upstream }
}

const PAGES: readonly {
  what: string
  headers: Record<string, string>
  body: string
  why: string
}[] = [
  {
    what: 'HTML',
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: '<p>soon',
    why: 'type',
  },
  {
    what: 'HTML that forbids to be stored',
    headers: { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' },
    body: '<p>soon',
    why: 'no-store',
  },
  {
    what: 'HTML with a cookie',
    headers: { 'Content-Type': 'text/html', 'Set-Cookie': 'a=b' },
    body: '<p>soon',
    why: 'set-cookie',
  },
  { what: 'text', headers: { 'Content-Type': 'text/plain' }, body: '{"id": 1}', why: 'type' },
  { what: 'JSON that is no object', headers: {}, body: '"maintenance"', why: 'body' },
  { what: 'HTML that is called JSON', headers: {}, body: '<html>', why: 'body' },
  { what: 'nothing', headers: {}, body: '', why: 'body' },
]

for (const { what, headers, body, why } of PAGES) {
  t.test(`a 200 that is plainly not the resource ends no copy: ${what}`, async (t) => {
    const { app, upstream } = await heldByTwo(t)
    upstream.answer((received, res) => sendJson(res, received, body, headers))
    const shown = await app.get('/customers/1', ONE)
    t.equal(shown.body, body, 'who asks is shown it')
    t.match(shown.headers['cache-status'], `detail=reject.${why}`)
    upstream.answer(down)
    for (const reader of [ONE, TWO]) {
      const spared = await app.get('/customers/1', reader)
      t.equal(spared.status, 200)
      t.match(spared.headers['cache-status'], /detail=sie/)
    }
  })
}

t.test('a long page of another type, streamed, ends no copy', async (t) => {
  const { app, upstream } = await heldByTwo(t, { maxBodyBytes: 1_000 })
  const page = '<p>soon'.padEnd(5_000)
  upstream.answer((received, res) => sendJson(res, received, page, { 'Content-Type': 'text/html' }))
  t.equal((await app.get('/customers/1', ONE)).body, page)
  upstream.answer(down)
  for (const reader of [ONE, TWO]) t.equal((await app.get('/customers/1', reader)).status, 200)
})

t.test(
  'a resource that can’t be kept for one credential alone ends what that one holds',
  async (t) => {
    for (const headers of [
      { 'Cache-Control': 'no-store' },
      { 'Set-Cookie': 'a=b' },
      { Vary: 'Cookie' },
      { 'Content-Encoding': 'gzip' },
      { 'Content-Type': 'application/vnd.api+json' },
    ] as Record<string, string>[]) {
      const { app, upstream } = await heldByTwo(t)
      upstream.answer((received, res) =>
        sendJson(res, received, '{"id": 1, "parent_id": null}', headers),
      )
      await app.get('/customers/1', ONE)
      upstream.answer(down)
      t.equal((await app.get('/customers/1', ONE)).status, 503, JSON.stringify(headers))
      t.match((await app.get('/customers/1', TWO)).headers['cache-status'], /detail=sie/)
    }
  },
)

t.test('what can’t be kept leaves the fresh hits of others', async (t) => {
  const { app, upstream } = await heldByTwo(t)
  await app.get('/customers/1', TWO)
  app.clock.advance(2_000)
  upstream.answer((received, res) =>
    sendJson(res, received, '{"id": 1, "parent_id": null}', { 'Cache-Control': 'private' }),
  )
  await app.get('/customers/1', { headers: { 'cache-control': 'no-cache' } })
  t.match((await app.get('/customers/1', TWO)).headers['cache-status'], /hit.*memory/)
})

t.test('a page that anybody is shown does not renew an admission', async (t) => {
  const { app, upstream } = await heldByTwo(t, { credentialTtlMs: 100_000, staleIfErrorMs: 0 })
  upstream.answer((received, res) =>
    sendJson(res, received, '<p>soon', { 'Content-Type': 'text/html' }),
  )
  await app.get('/customers/1', ONE)
  upstream.answer((received, res) => sendJson(res, received, '{"id": 1, "parent_id": null}'))
  await app.get('/customers/1', TWO)
  app.clock.advance(50_000)
  // 111 s after it was accepted last, with bytes that another keeps fresh.
  const reply = await app.get('/customers/1', ONE)
  t.match(reply.headers['cache-status'], /fwd=uri-miss/)
})

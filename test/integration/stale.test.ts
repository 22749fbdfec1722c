/** Copies past their freshness: served while refreshed, while the upstream fails, and when a client accepts them. */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type Reply, type TestApp } from '../helpers/app.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const LIFETIMES = {
  ttlMs: 60_000,
  grantTtlMs: 900_000,
  credentialTtlMs: 300_000,
  staleWhileRevalidateMs: 30_000,
  staleIfErrorMs: 300_000,
}
const OTHER = { authorization: 'Bearer token-two.bbbb' }

interface Stage {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
  /** From now on answers with this status; 0: cuts the connection; 200: with this name. */
  readonly set: (status: number, name?: string, extra?: Record<string, string>) => void
  readonly read: (headers?: Record<string, string>, path?: string) => Promise<Reply>
}

async function stage(t: Test, cache: Record<string, unknown> = {}): Promise<Stage> {
  let now: { status: number; name: string; extra: Record<string, string> }
  now = { status: 200, name: 'first', extra: {} }
  const upstream = await startUpstream(t, (received, res) => {
    if (now.status === 0) res.destroy()
    else sendJson(res, received, { id: 1, parent_id: null, name: now.name }, now.extra, now.status)
  })
  const app = await buildTestApp(t, upstream.url, { cache: { ...LIFETIMES, ...cache } })
  return {
    app,
    upstream,
    set: (status, name = 'first', extra = {}) => {
      now = { status, name, extra }
    },
    read: (headers = {}, path = '/customers/1') => app.get(path, { headers }),
  }
}

const nameIn = (reply: Reply): string => (JSON.parse(reply.body) as { name: string }).name
const statusOf = (reply: Reply): string => String(reply.headers['cache-status'])

t.test(
  'just past its freshness a copy is served at once, and refreshed behind the client',
  async (t) => {
    const { app, upstream, set, read } = await stage(t)
    await read()
    set(200, 'second')
    app.clock.advance(63_000)
    upstream.hold()
    const stale = await read()
    t.equal(nameIn(stale), 'first')
    t.equal(statusOf(stale), 'layby; hit; ttl=-3; detail=swr')
    t.equal(stale.headers['age'], '63')
    await upstream.received(2)
    t.equal(statusOf(await read()), 'layby; hit; ttl=-3; detail=swr', 'one refresh at a time')
    t.equal(upstream.requests.length, 2)
    const [first, second] = upstream.requests
    t.equal(second?.headers.authorization, HEADERS.authorization)
    t.not(second?.headers['x-request-id'], first?.headers['x-request-id'])
    upstream.release()
    await settled(app, 1)
    const fresh = await read()
    t.equal(nameIn(fresh), 'second')
    t.match(statusOf(fresh), /^layby; hit; ttl=(60|59); detail=memory$/)
  },
)

t.test('a refresh that fails is tried again only after a pause', async (t) => {
  const { app, upstream, set, read } = await stage(t)
  await read()
  set(503)
  app.clock.advance(61_000)
  await read()
  await upstream.received(2)
  await until(async () => /swr/.test(statusOf(await read())))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const calls = upstream.requests.length
  for (let i = 0; i < 10; i++) t.match(statusOf(await read()), /detail=swr/)
  t.equal(upstream.requests.length, calls, 'paused')
  app.clock.advance(2_000)
  await read()
  await upstream.received(calls + 1)
})

for (const [what, status] of [
  ['cuts connections', 0],
  ['answers 500', 500],
  ['answers 502', 502],
  ['answers 503', 503],
  ['answers 504', 504],
] as const) {
  t.test(`while the upstream ${what}, a reader keeps what it was given`, async (t) => {
    const { app, set, read } = await stage(t)
    await read()
    set(status)
    app.clock.advance(100_000)
    const spared = await read()
    t.equal(spared.status, 200)
    t.equal(nameIn(spared), 'first')
    t.equal(statusOf(spared), 'layby; hit; ttl=-40; detail=sie')
    const stranger = await read(OTHER)
    t.not(stranger.status, 200, 'and nobody else is given it')
    app.clock.advance(261_000)
    t.not((await read()).status, 200, 'not for ever')
  })
}

t.test('grant and admission are spared as long, and no longer', async (t) => {
  const { app, set, read } = await stage(t, { credentialTtlMs: 50_000, ttlMs: 600_000 })
  await read()
  set(503)
  app.clock.advance(349_000)
  t.equal(statusOf(await read()), 'layby; hit; ttl=251; detail=sie')
  app.clock.advance(2_000)
  t.equal((await read()).status, 503)
})

t.test('nothing from before a write is served, whatever fails', async (t) => {
  const { app, set, read } = await stage(t)
  await read()
  app.clock.advance(61_000)
  const write = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
  for (const status of [200, 503, 0]) {
    set(200)
    await read()
    set(status)
    await app.get('/customers/1', write)
    set(503)
    t.equal((await read()).status, 503, `a write that ended with ${status}`)
    app.clock.advance(61_000)
    t.equal((await read()).status, 503)
  }
})

t.test('what the upstream has ended is not spared', async (t) => {
  for (const status of [401, 403, 404]) {
    const { app, set, read } = await stage(t)
    await read()
    app.clock.advance(91_000)
    set(status)
    t.equal((await read()).status, status)
    set(503)
    t.equal((await read()).status, 503, `after a ${status}`)
  }
})

t.test('other bytes shown to another end the stale service of the old ones', async (t) => {
  const { app, set, read } = await stage(t)
  await read()
  await read(OTHER)
  app.clock.advance(91_000)
  set(200, 'second')
  await read(OTHER)
  set(503)
  t.equal((await read()).status, 503)
  t.equal(nameIn(await read(OTHER)), 'second')
})

for (const directive of ['must-revalidate', 'proxy-revalidate', 's-maxage=60']) {
  t.test(`${directive} of the upstream forbids it`, async (t) => {
    const { app, set, read } = await stage(t)
    set(200, 'first', { 'cache-control': directive })
    await read()
    app.clock.advance(61_000)
    set(503)
    t.equal((await read()).status, 503)
    t.equal((await read({ 'cache-control': 'max-stale' })).status, 503)
  })
}

t.test('stale-if-error of the upstream shortens it', async (t) => {
  const { app, set, read } = await stage(t, { staleWhileRevalidateMs: 0 })
  set(200, 'first', { 'cache-control': 'stale-if-error=10' })
  await read()
  set(503)
  app.clock.advance(69_000)
  t.equal(statusOf(await read()), 'layby; hit; ttl=-9; detail=sie')
  app.clock.advance(2_000)
  t.equal((await read()).status, 503)
})

t.test(
  'stale-while-revalidate of the upstream shortens it, and does not lengthen it',
  async (t) => {
    for (const [seconds, directive] of [
      [10, 'stale-while-revalidate=10'],
      [30, 'stale-while-revalidate=3600'],
      [10, 'stale-if-error=300, stale-while-revalidate=10'],
      [10, 'no-transform, stale-while-revalidate="10"'],
      [30, 'stale-while-revalidate=99999999999999999999'],
      [30, 'max-age=3600'],
    ] as const) {
      const { app, upstream, set, read } = await stage(t)
      set(200, 'first', { 'cache-control': directive })
      await read()
      set(200, 'second')
      app.clock.advance(60_000 + seconds * 1000 - 1)
      t.match(statusOf(await read()), /hit; ttl=-\d+; detail=swr/, directive)
      await upstream.received(2)
    }
  },
)

t.test('past stale-while-revalidate of the upstream a read waits for the refresh', async (t) => {
  for (const directive of [
    'stale-while-revalidate=10',
    'stale-while-revalidate=0',
    'stale-while-revalidate=soon',
    'stale-while-revalidate=10, stale-while-revalidate=20',
  ]) {
    const { app, set, read } = await stage(t)
    set(200, 'first', { 'cache-control': directive })
    await read()
    set(200, 'second')
    app.clock.advance(71_000)
    const fresh = await read()
    t.equal(nameIn(fresh), 'second', directive)
    t.match(statusOf(fresh), /fwd=stale/)
    t.equal(fresh.headers['cache-control'], 'private, no-cache')
  }
})

t.test('clients say what staleness they accept', async (t) => {
  const { app, upstream, set, read } = await stage(t)
  await read()
  app.clock.advance(160_000)
  const calls = upstream.requests.length
  const accepted = await read({ 'cache-control': 'max-stale=120' })
  t.equal(statusOf(accepted), 'layby; hit; ttl=-100; detail=max-stale')
  t.equal(statusOf(await read({ 'cache-control': 'max-stale' })), statusOf(accepted))
  t.equal(upstream.requests.length, calls, 'and the upstream is left alone')
  set(503)
  t.equal((await read({ 'cache-control': 'stale-if-error=90' })).status, 503)
  t.match(statusOf(await read({ 'cache-control': 'stale-if-error=110' })), /detail=sie/)
  t.equal((await read({ 'cache-control': 'no-cache' })).status, 503)
  t.equal((await read({ 'cache-control': 'max-age=10' })).status, 503)
  t.match(statusOf(await read({ 'cache-control': 'max-age=10, stale-if-error=200' })), /detail=sie/)
  set(200, 'second')
  t.equal(nameIn(await read({ 'cache-control': 'max-stale=99' })), 'second')
})

t.test('without a version, a pin that has moved on is not contradicted', async (t) => {
  const { app, set, read } = await stage(t)
  const bare = { 'x-api-version': undefined } as unknown as Record<string, string>
  await read(bare)
  await read({ 'x-api-version': '2023/04/19' })
  set(503)
  app.clock.advance(91_000)
  t.equal((await read(bare)).status, 503, 'it was given another version since')
  t.match(statusOf(await read({ 'x-api-version': '2023/04/19' })), /detail=sie/)
})

t.test(
  '1,000 known readers keep reading while the upstream is down for a minute (U7)',
  async (t) => {
    const { app, set, read } = await stage(t)
    const paths = Array.from({ length: 1_000 }, (_, i) => `/customers/${i + 1}`)
    for (const path of paths) await read({}, path)
    set(0)
    for (let second = 0; second < 60; second += 20) {
      app.clock.advance(second === 0 ? 61_000 : 20_000)
      const replies = await Promise.all(paths.map((path) => read({}, path)))
      t.equal(replies.filter(({ status }) => status === 200).length, 1_000)
    }
  },
)

/** Resolves when `count` refreshes behind clients have landed. */
async function settled(app: TestApp, count: number): Promise<void> {
  await until(async () => count <= app.reports.length)
  await new Promise((resolve) => setTimeout(resolve, 50))
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}

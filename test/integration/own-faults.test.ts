/** A fault of our own is answered with 500 and logged; it is no outage of the API, and leaves nothing behind. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

const CACHE = { ttlMs: 1_000, staleIfErrorMs: 600_000, staleWhileRevalidateMs: 60_000 }
const fault = (): never => {
  throw new TypeError('a fault of our own')
}

t.test('a fault within a fill is 500, never a stale copy, and opens no breaker', async (t) => {
  const upstream = await startUpstream(t)
  let isBroken = false
  const filled = (): void => (isBroken ? fault() : undefined)
  const app = await buildTestApp(t, upstream.url, { cache: CACHE }, { reporter: { filled } })
  await app.get('/customers/1')
  isBroken = true
  app.clock.advance(70_000)
  for (let i = 0; i < 30; i++) {
    const { status, body } = await app.get('/customers/1')
    t.equal(status, 500)
    t.match(JSON.parse(body), { code: 'internal_error' })
  }
  t.equal(upstream.requests.length, 31, 'each was sent: no breaker has opened')
  t.match(app.logged(), /TypeError/)
  isBroken = false
  t.match((await app.get('/customers/1')).headers['cache-status'], /stored/)
  t.match((await app.get('/customers/1')).headers['cache-status'], /hit/)
})

t.test('a fault within a refresh behind a hit does not end refreshing', async (t) => {
  const upstream = await startUpstream(t)
  let isBroken = false
  const filled = (): void => (isBroken ? fault() : undefined)
  const app = await buildTestApp(t, upstream.url, { cache: CACHE }, { reporter: { filled } })
  await app.get('/customers/1')
  isBroken = true
  app.clock.advance(2_000)
  t.match((await app.get('/customers/1')).headers['cache-status'], /detail=swr/)
  while (!app.logged().includes('TypeError')) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  isBroken = false
  t.match((await app.get('/customers/1')).headers['cache-status'], /stored/)
  app.clock.advance(2_000)
  t.match((await app.get('/customers/1')).headers['cache-status'], /detail=swr/)
  await upstream.received(4)
})

t.test('what undici says of how it was called is ours', async (t) => {
  const { UpstreamClient } = await import('../../src/upstream/client.ts')
  const { UNTRACED } = await import('../../src/lib/tracer.ts')
  const { systemClock } = await import('../../src/lib/clock.ts')
  const upstream = await startUpstream(t)
  const client = new UpstreamClient({
    forwarded: 'off',
    publicUrl: null,
    uploadPauseMs: 15_000,
    url: upstream.url,
    connectTimeoutMs: 1_000,
    headersTimeoutMs: 1_000,
    bodyTimeoutMs: 1_000,
    streamTimeoutMs: 1_000,
    connections: 1,
    ca: null,
    maxBodyBytes: 1_000,
    clock: systemClock,
    faulted: () => void t.fail('no body has begun'),
    failed: () => {},
    connectionLifeMs: 0,
    addressCheckMs: 0,
    random: () => 0,
  })
  t.teardown(() => client.close())
  const headers = { authorization: 'Bearer a.b', tenant: '7', version: null, span: UNTRACED }
  const read = (requestId: string) =>
    client.read('/customers/1', { ...headers, requestId }, systemClock.monotonic() + 5_000)
  await t.rejects(read('no header value\n'), { code: 'UND_ERR_INVALID_ARG' })
})

/** What traces tell of requests: really exported, to a collector of the test's own. */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { type CollectedSpan, type Collector, startCollector } from '../helpers/collector.ts'
import { freePort } from '../helpers/free-port.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`
const SECOND = { headers: { authorization: 'Bearer token-two.bbbb' } }
const PATCH = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }

interface Traced {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
  readonly collector: Collector
}

async function startTraced(
  t: Test,
  values: { readonly [group: string]: Record<string, unknown> } = {},
): Promise<Traced> {
  const [upstream, collector] = await Promise.all([startUpstream(t), startCollector(t)])
  const tracing = { otlpUrl: collector.url, ...values['tracing'] }
  const app = await buildTestApp(t, upstream.url, { ...values, tracing })
  return { app, upstream, collector }
}

/** All spans, in the order of their end: what has not been exported is, when the instance closes. */
async function spansOf({ app, collector }: Traced): Promise<readonly CollectedSpan[]> {
  await app.close()
  return collector.spans
}

const ofKind = (spans: readonly CollectedSpan[], kind: CollectedSpan['kind']): CollectedSpan[] =>
  spans.filter((span) => span.kind === kind)
const below = (spans: readonly CollectedSpan[], parent: CollectedSpan | undefined) =>
  spans.filter((span) => parent !== undefined && span.parentSpanId === parent.spanId)
const parentIdAt = ({ requests }: ScriptedUpstream, index: number): string | undefined =>
  String(requests[index]?.headers['traceparent']).split('-')[2]

t.test('a miss: the request, below it the fill, below that the call', async (t) => {
  const traced = await startTraced(t)
  const headers = { traceparent: PARENT, tracestate: 'vendor=1' }
  await traced.app.get('/customers/1/', { headers })
  const spans = await spansOf(traced)
  t.equal(spans.length, 3)
  const [request] = ofKind(spans, 'server')
  t.match(request, {
    name: 'GET customer',
    traceId: TRACE,
    parentSpanId: 'b7ad6b7169203331',
    traceState: 'vendor=1',
    isError: false,
    links: [],
  })
  t.strictSame(request?.attributes, {
    'http.request.method': 'GET',
    'http.route': 'customer',
    'http.response.status_code': 200,
    'layby.outcome': 'fill',
    'layby.tenant': '7',
  })
  t.strictSame(request?.events, [
    { name: 'lookup', attributes: { 'layby.tier': 'memory', 'layby.verdict': 'no-grant' } },
  ])
  const [fill] = below(spans, request)
  t.match(fill, { name: 'fill', kind: 'internal', traceId: TRACE })
  t.strictSame(fill?.attributes, { 'layby.fill.result': 'stored' })
  const [call] = below(spans, fill)
  t.match(call, { name: 'upstream', kind: 'client', traceId: TRACE, isError: false })
  t.strictSame(call?.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
  })
  t.equal(
    traced.upstream.requests[0]?.headers['traceparent'],
    `00-${TRACE}-${call?.spanId}-01`,
    'the upstream goes on from the call',
  )
  t.equal(traced.upstream.requests[0]?.headers['tracestate'], 'vendor=1')
})

t.test('a hit is one span, with what memory said', async (t) => {
  const traced = await startTraced(t)
  await traced.app.get('/customers/1/')
  await traced.app.get('/customers/1/', { headers: { traceparent: PARENT } })
  const spans = (await spansOf(traced)).filter(({ traceId }) => traceId === TRACE)
  t.equal(spans.length, 1)
  t.strictSame(spans[0]?.attributes, {
    'http.request.method': 'GET',
    'http.route': 'customer',
    'http.response.status_code': 200,
    'layby.outcome': 'hit',
    'layby.tier': 'memory',
    'layby.reason': 'memory',
    'layby.tenant': '7',
  })
  t.strictSame(spans[0]?.events, [
    { name: 'lookup', attributes: { 'layby.tier': 'memory', 'layby.verdict': 'hit' } },
  ])
  t.match(traced.app.logged(), new RegExp(`"trace.id":"${TRACE}"`))
  t.equal(traced.app.reports.at(-1)?.traceId, TRACE)
})

t.test('a follower links to the fill that it was answered by', async (t) => {
  const traced = await startTraced(t)
  const { app, upstream } = traced
  upstream.hold()
  const leader = app.get('/customers/1/')
  await upstream.received(1)
  const follower = app.get('/customers/1/', { headers: { traceparent: PARENT } })
  await app.lookedUp(2)
  upstream.release()
  await Promise.all([leader, follower])
  const spans = await spansOf(traced)
  const [fill] = spans.filter(({ name }) => name === 'fill')
  const followed = ofKind(spans, 'server').find(({ traceId }) => traceId === TRACE)
  t.equal(followed?.attributes['layby.outcome'], 'follower')
  t.strictSame(followed?.links, [{ traceId: fill?.traceId, spanId: fill?.spanId }])
  t.not(fill?.traceId, TRACE)
  t.same(below(spans, followed), [], 'and asks nobody')
})

t.test('so does one that waits for another credential’s refresh', async (t) => {
  const traced = await startTraced(t, { cache: { credentialTtlMs: 900_000 } })
  const { app, upstream } = traced
  await app.get('/customers/1/')
  await app.get('/customers/1/', SECOND)
  app.clock.advance(301_000)
  upstream.hold()
  const leader = app.get('/customers/1/')
  await upstream.received(3)
  const follower = app.get('/customers/1/', SECOND)
  await app.lookedUp(4)
  upstream.release()
  await Promise.all([leader, follower])
  const spans = await spansOf(traced)
  const led = ofKind(spans, 'server').filter(
    ({ attributes }) => attributes['layby.outcome'] === 'fill',
  )
  const followed = ofKind(spans, 'server').find(
    ({ attributes }) => attributes['layby.outcome'] === 'follower',
  )
  const [fill] = below(spans, led.at(-1))
  t.strictSame(followed?.links, [{ traceId: fill?.traceId, spanId: fill?.spanId }])
})

t.test('a refresh is a trace of its own, with a link to the request it comes from', async (t) => {
  const cache = { staleWhileRevalidateMs: 30_000, credentialTtlMs: 900_000 }
  const traced = await startTraced(t, { cache })
  const { app, upstream } = traced
  await app.get('/customers/1/')
  app.clock.advance(301_000)
  const stale = await app.get('/customers/1/', { headers: { traceparent: PARENT } })
  t.match(stale.headers['cache-status'], /detail=swr/)
  await until(async () => {
    const { headers } = await app.get('/customers/1/')
    return /ttl=300/.test(String(headers['cache-status']))
  })
  t.equal(upstream.requests.length, 2)
  const spans = await spansOf(traced)
  const [refresh, ...others] = spans.filter(({ name }) => name === 'refresh')
  t.same(others, [])
  const cause = ofKind(spans, 'server').find(({ traceId }) => traceId === TRACE)
  t.match(refresh, { kind: 'internal', parentSpanId: '', traceState: '' })
  t.not(refresh?.traceId, TRACE)
  t.strictSame(refresh?.links, [{ traceId: TRACE, spanId: cause?.spanId }])
  t.strictSame(refresh?.attributes, { 'http.route': 'customer', 'layby.outcome': 'fill' })
  t.match(cause?.events[0]?.attributes, { 'layby.verdict': 'stale-hit' })
  const [fill] = below(spans, refresh)
  const [call] = below(spans, fill)
  t.match(call, { kind: 'client', traceId: refresh?.traceId })
  t.equal(parentIdAt(upstream, 1), call?.spanId)
})

t.test('a write: the request and the call', async (t) => {
  const traced = await startTraced(t)
  await traced.app.get('/customers/1', PATCH)
  const spans = await spansOf(traced)
  t.equal(spans.length, 2)
  const [request] = ofKind(spans, 'server')
  t.match(request?.attributes, {
    'http.request.method': 'PATCH',
    'http.response.status_code': 200,
    'layby.outcome': 'pass-through',
    'layby.tenant': '7',
  })
  t.match(request?.attributes['http.route'], /^W[0-9]+$/)
  const [call] = below(spans, request)
  t.match(call, { kind: 'client', attributes: { 'http.request.method': 'PATCH' } })
  t.equal(parentIdAt(traced.upstream, 0), call?.spanId)
})

t.test('what goes wrong is told by a closed word', async (t) => {
  const traced = await startTraced(t)
  const { app, upstream } = traced
  upstream.answer((_received, res) => res.writeHead(503).end())
  t.equal((await app.get('/customers/1/')).status, 503)
  upstream.answer((_received, res) => res.destroy())
  t.equal((await app.get('/customers/2/')).status, 502)
  t.equal((await app.get('/customers/2', PATCH)).status, 502)
  t.equal((await app.get('/customers/3/', { headers: { 'x-tenant-id': 'x' } })).status, 400)
  const spans = await spansOf(traced)
  const told = (kind: CollectedSpan['kind']): unknown[] =>
    ofKind(spans, kind).map(({ name, isError, attributes }) => [
      name,
      isError,
      attributes['http.response.status_code'],
      attributes['error.type'],
      attributes['layby.reason'],
    ])
  t.strictSame(told('server'), [
    ['GET customer', true, 503, '503', 'reject.status'],
    ['GET customer', true, 502, 'upstream_unreachable', 'upstream_unreachable'],
    [
      `PATCH ${traced.app.reports[2]?.route}`,
      true,
      502,
      'upstream_unreachable',
      'upstream_unreachable',
    ],
    ['GET', false, 400, undefined, 'invalid_tenant'],
  ])
  t.strictSame(told('client'), [
    ['upstream', true, 503, '503', undefined],
    ['upstream', true, undefined, 'unreachable', undefined],
    ['upstream', true, undefined, 'unreachable', undefined],
    ['upstream', true, undefined, 'unreachable', undefined],
  ])
  const calls = ofKind(spans, 'client').map(({ spanId }) => spanId)
  t.strictSame(
    upstream.requests.map((_, index) => parentIdAt(upstream, index)),
    calls,
    'the read that was sent once more is two calls',
  )
  const results = ofKind(spans, 'internal').map(({ attributes }) => attributes['layby.fill.result'])
  t.strictSame(results, ['reject.status', 'failed'])
})

t.test('a method that nobody knows is told as one of them', async (t) => {
  const traced = await startTraced(t)
  const line = 'PROPFIND /customers/1 HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: 7\r\n'
  const { replies } = await exchange(
    traced.app.url,
    `${line}Authorization: ${HEADERS.authorization}\r\nConnection: close\r\n\r\n`,
  )
  t.equal(replies[0]?.status, 200)
  const spans = await spansOf(traced)
  const [span] = ofKind(spans, 'server')
  t.strictSame(spans.map(({ attributes }) => attributes['http.request.method']).filter(Boolean), [
    '_OTHER',
    '_OTHER',
  ])
  t.equal(span?.attributes['http.request.method'], '_OTHER')
  t.equal(span?.name, '_OTHER other')
})

t.test('what the shared tier said is told too', async (t) => {
  const redis = await startRedis(t)
  const [upstream, collector] = await Promise.all([startUpstream(t), startCollector(t)])
  const tracing = { otlpUrl: collector.url, serviceName: 'front' }
  const settings = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a, b] = await startInstances(t, 2, upstream.url, settings, { tracing })
  await a?.get('/customers/1/')
  await until(async () => Number(await redis.cli('DBSIZE')) >= 8)
  const shared = await b?.get('/customers/1/', { headers: { traceparent: PARENT } })
  t.match(shared?.headers['cache-status'], /detail=redis/)
  await Promise.all([a?.close(), b?.close()])
  const verdicts = (span: CollectedSpan | undefined): unknown =>
    span?.events.map(({ attributes }) => [attributes['layby.tier'], attributes['layby.verdict']])
  const [first, second] = [...ofKind(collector.spans, 'server')].sort((x) =>
    x.traceId === TRACE ? 1 : -1,
  )
  t.strictSame(verdicts(first), [
    ['memory', 'no-grant'],
    ['redis', 'nothing'],
  ])
  t.strictSame(verdicts(second), [
    ['memory', 'no-grant'],
    ['redis', 'hit'],
  ])
  t.equal(collector.resources[0]?.['service.name'], 'front')
})

t.test('nothing personal, no token and no address is in any span', async (t) => {
  const traced = await startTraced(t)
  const { app, upstream, collector } = traced
  const secrets = ['canary-5f3a', 'zqpath', 'zqquery', 'zqbody', 'Plain', '918273645', '127.0.0.1']
  const headers = { authorization: 'Bearer canary-5f3a.secret-part', traceparent: PARENT }
  await app.get('/customers/918273645/', { headers })
  await app.get('/customers/918273645/', { headers })
  await app.get('/customers/918273645?q=zqquery', { headers })
  await app.get('/zqpath/918273645', { headers })
  await app.get('/customers/zqpath', { headers })
  await app.get('/customers/918273645', {
    ...PATCH,
    headers: { ...PATCH.headers, ...headers },
    body: '{"name": "zqbody"}',
  })
  upstream.answer((_received, res) => res.destroy())
  await app.get('/customers/9182736451', { headers })
  const spans = await spansOf(traced)
  t.equal(ofKind(spans, 'server').length, 7)
  for (const secret of secrets) t.notOk(collector.received().includes(secret), secret)
  const { port } = new URL(upstream.url)
  const told = spans.map(({ name, attributes, events }) => [name, attributes, events])
  t.notOk(JSON.stringify(told).includes(port), 'no port')
})

t.test('who decides whether a trace is kept: who began it, and here the ratio', async (t) => {
  const traced = await startTraced(t, { tracing: { sampleRatio: 0 } })
  const { app, upstream } = traced
  const unsampled = PARENT.replace(/01$/, '00')
  await app.get('/customers/1/')
  await app.get('/customers/2/', { headers: { traceparent: unsampled } })
  await app.get('/customers/3/', { headers: { traceparent: PARENT } })
  const spans = await spansOf(traced)
  t.equal(spans.length, 3)
  t.ok(spans.every(({ traceId }) => traceId === TRACE))
  const sent = upstream.requests.map(({ headers }) => String(headers['traceparent']))
  t.match(sent[0], /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  t.match(sent[1], new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-00$`))
  t.match(sent[2], new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`))
})

t.test('a collector that is away costs no request anything, and is told of once', async (t) => {
  const upstream = await startUpstream(t)
  const otlpUrl = `http://127.0.0.1:${await freePort()}/v1/traces`
  const app = await buildTestApp(t, upstream.url, { tracing: { otlpUrl } })
  // More than one batch, and more than the queue holds.
  for (let i = 0; i < 40; i++) {
    const replies = await Promise.all(Array.from({ length: 150 }, () => app.get('/customers/1/')))
    t.ok(replies.every(({ status }) => status === 200))
  }
  await app.close()
  await until(() => /spans can not be exported/.test(app.logged()))
  t.equal(app.logged().match(/spans can not be exported/g)?.length, 1)
  t.notMatch(app.logged(), otlpUrl)
})

t.test('a collector that never answers does not keep the process from leaving', async (t) => {
  const { app, collector } = await startTraced(t)
  collector.answer(null)
  await app.get('/customers/1/')
  const startedAt = performance.now()
  await app.close()
  t.notSame(collector.received(), '', 'it was asked')
  t.ok(performance.now() - startedAt < 4_500, 'well before the exporter gives up')
})

t.test('a collector that comes back is told of once as well', async (t) => {
  const traced = await startTraced(t)
  const { app, collector } = traced
  const batch = (): Promise<unknown> =>
    Promise.all(Array.from({ length: 600 }, () => app.get('/customers/1/')))
  collector.answer(400)
  await batch()
  await until(() => /spans can not be exported/.test(app.logged()))
  collector.answer(200)
  await batch()
  await until(() => /spans are exported again/.test(app.logged()))
  await batch()
  await app.close()
  t.equal(app.logged().match(/spans can not be exported/g)?.length, 1)
  t.equal(app.logged().match(/spans are exported again/g)?.length, 1)
})

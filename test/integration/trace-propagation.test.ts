/** A trace goes on upstream, whichever front end takes the request, and whether or not spans are exported. */
import t, { type Test } from 'tap'
import { buildTestApp, type Reply, type TestApp } from '../helpers/app.ts'
import { startCollector } from '../helpers/collector.ts'
import { until } from '../helpers/instances.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`
const NEW = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/
const CONTINUED = new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`)
const PATCH = { method: 'PATCH', body: '{}' }
const JSON_TYPE = { 'content-type': 'application/json' }

interface Started {
  readonly app: TestApp
  readonly upstream: ScriptedUpstream
  /** `traceparent` as the upstream saw it, in order. */
  readonly sent: () => string[]
}

async function start(t: Test, fastPath: boolean, isExported: boolean): Promise<Started> {
  const upstream = await startUpstream(t)
  const otlpUrl = isExported ? (await startCollector(t)).url : null
  const app = await buildTestApp(t, upstream.url, {
    server: { fastPath },
    cache: { staleWhileRevalidateMs: 30_000, credentialTtlMs: 900_000 },
    tracing: { otlpUrl },
  })
  const sent = (): string[] =>
    upstream.requests.map(({ headers }) => String(headers['traceparent']))
  return { app, upstream, sent }
}

function saysNothingOfTraces(t: Test, { headers }: Reply): void {
  t.same(
    Object.keys(headers).filter((name) => name.startsWith('trace')),
    [],
  )
}

for (const fastPath of [true, false]) {
  for (const isExported of [true, false]) {
    const where = `fast path ${fastPath ? 'on' : 'off'}, export ${isExported ? 'on' : 'off'}`

    t.test(`${where}: fills, bypasses and writes go on with the trace`, async (t) => {
      const { app, upstream, sent } = await start(t, fastPath, isExported)
      const headers = { traceparent: PARENT, tracestate: 'a=1' }
      const replies = [
        await app.get('/customers/1/', { headers }),
        await app.get('/customers/1/?q=1', { headers }),
        await app.get('/things', { headers }),
        await app.get('/customers/1', { ...PATCH, headers: { ...headers, ...JSON_TYPE } }),
      ]
      for (const reply of replies) saysNothingOfTraces(t, reply)
      t.equal(sent().length, 4)
      for (const each of sent()) t.match(each, CONTINUED)
      t.equal(new Set(sent()).size, 4, 'each call has an id of its own')
      for (const received of upstream.requests) t.equal(received.headers['tracestate'], 'a=1')
      t.ok(app.reports.every(({ traceId }) => traceId === TRACE))
    })

    t.test(`${where}: without a valid one a trace begins`, async (t) => {
      const { app, upstream, sent } = await start(t, fastPath, isExported)
      const invalid = [
        undefined,
        'x',
        PARENT.toUpperCase(),
        `00-${'0'.repeat(32)}-${PARENT.slice(36)}`,
      ]
      for (const [i, traceparent] of invalid.entries()) {
        await app.get(`/customers/${i + 1}/`, { headers: { traceparent, tracestate: 'a=1' } })
      }
      await app.get('/things', { headers: { tracestate: 'a=1' } })
      await app.get('/customers/1', { ...PATCH, headers: JSON_TYPE })
      t.equal(sent().length, 6)
      for (const each of sent()) t.match(each, NEW)
      for (const each of sent()) t.notMatch(each.toLowerCase(), TRACE)
      t.equal(new Set(sent().map((each) => each.slice(3, 35))).size, 6)
      for (const received of upstream.requests) t.notOk('tracestate' in received.headers)
    })

    t.test(`${where}: it is no part of what is asked for, and stored nowhere`, async (t) => {
      const { app, upstream } = await start(t, fastPath, isExported)
      await app.get('/customers/1/', { headers: { traceparent: PARENT } })
      const other = PARENT.replace('0af7', '1af7')
      for (const traceparent of [PARENT, other, undefined, 'x']) {
        const hit = await app.get('/customers/1/', { headers: { traceparent } })
        t.match(hit.headers['cache-status'], /; hit;/)
        saysNothingOfTraces(t, hit)
      }
      t.equal(upstream.requests.length, 1)
    })

    t.test(`${where}: a refresh has a trace of its own`, async (t) => {
      const { app, sent } = await start(t, fastPath, isExported)
      await app.get('/customers/1/', { headers: { traceparent: PARENT } })
      app.clock.advance(301_000)
      await app.get('/customers/1/', { headers: { traceparent: PARENT, tracestate: 'a=1' } })
      await until(() => sent().length === 2)
      t.match(sent()[1], NEW)
      t.notMatch(sent()[1], TRACE)
    })

    t.test(`${where}: lines are combined`, async (t) => {
      const { app, upstream, sent } = await start(t, fastPath, isExported)
      const ask = async (lines: readonly string[]): Promise<void> => {
        const head = ['GET /things HTTP/1.1', 'Host: a', 'Authorization: Bearer aaaa.bbbb']
        const text = [...head, 'X-Tenant-Id: 7', ...lines].join('\r\n')
        await exchange(app.url, `${text}\r\n\r\n`)
      }
      await ask([`TraceParent: ${PARENT}`, 'tracestate: a=1,b=2', 'TraceState:c=3 '])
      await ask([`traceparent: ${PARENT}`, `traceparent: ${PARENT}`])
      t.match(sent()[0], CONTINUED)
      t.equal(upstream.requests[0]?.headers['tracestate'], 'a=1,b=2,c=3')
      t.match(sent()[1], NEW)
      t.notMatch(sent()[1], TRACE, 'two lines are no value, even if they say the same')
    })
  }
}

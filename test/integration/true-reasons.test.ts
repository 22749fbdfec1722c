/** Metrics and reasons that operators act upon say what happened, and not what usually does. */
import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const WRITE = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{}' }
const CHANGES = 'layby_invalidations_total{source="change"}'

async function counted(app: TestApp, series: string): Promise<number> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? Number.NaN)
}

function statusOf({ headers }: { readonly headers: Record<string, unknown> }): string {
  return String(headers['cache-status'])
}

/** A record whose body is another one with each version. */
function versioned(upstream: ScriptedUpstream): { next(): void } {
  let version = 1
  upstream.answer((received, res) => sendJson(res, received, { id: 1, version, parent_id: null }))
  return { next: () => void version++ }
}

t.test(
  'reads that fail are counted as such, and neither writes nor what passes through',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url)
    await app.get('/customers/1')
    await upstream.close()
    t.equal((await app.get('/customers/2')).status, 502)
    t.equal((await app.get('/customers/2?expand=all')).status, 502)
    t.equal(await gauge(app, 'layby_failed_reads_total'), 2)
    for (const [path, options] of [
      ['/customers/1', WRITE],
      ['/jobs', {}],
    ] as const) {
      t.ok((await app.get(path, options)).status >= 502)
    }
    t.equal(await gauge(app, 'layby_failed_reads_total'), 2)
  },
)

t.test(
  'what readers are shown after a write through Layby is no change that was found',
  async (t) => {
    const upstream = await startUpstream(t)
    const record = versioned(upstream)
    const app = await buildTestApp(t, upstream.url)
    const readers = ['one', 'two', 'three'].map((name) => ({
      headers: { authorization: `Bearer token-${name}.aaaa` },
    }))
    for (const reader of readers) await app.get('/customers/1', reader)
    record.next()
    t.equal((await app.get('/customers/1', WRITE)).status, 200)
    for (const reader of readers) t.match(await app.get('/customers/1', reader), { body: /2/ })
    t.equal(await counted(app, CHANGES), 0)
    record.next()
    await app.get('/customers/1', {
      headers: { ...readers[0]?.headers, 'cache-control': 'no-cache' },
    })
    app.clock.advance(2_000)
    await app.get('/customers/1', {
      headers: { ...readers[0]?.headers, 'cache-control': 'no-cache' },
    })
    t.equal(await counted(app, CHANGES), 1, 'and one behind its back is')
  },
)

t.test('a read under way when Redis dies is not stored, and the reason is no write', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [app] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  const asked = upstream.requests.length
  upstream.hold()
  const read = app.get('/customers/4711')
  await upstream.received(asked + 1)
  await redis.kill()
  await until(async () => (await gauge(app, 'layby_redis_up')) === 0)
  upstream.release()
  t.match(statusOf(await read), 'detail=reject.fences-unknown')
  t.equal(await counted(app, 'layby_reject_total{reason="fences-unknown"}'), 1)
  t.equal(await counted(app, 'layby_reject_total{reason="fence"}'), 0)
})

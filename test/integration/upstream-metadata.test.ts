import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const NOTE = 'x'.repeat(2_000)

t.test('an ETag that is no entity tag counts as absent', async (t) => {
  for (const tags of [
    ['v5', 'v6'],
    ['', ''],
    ['"v5', '"v6'],
    ["'v5'", "'v6'"],
    ['"v5", "x"', '"v6", "x"'],
    ['w/"v5"', 'w/"v6"'],
    [
      ['"v5"', '"x"'],
      ['"v6"', '"x"'],
    ],
  ] as const) {
    let version = 0
    const upstream = await startUpstream(t, (received, res) => {
      if (received.method === 'PATCH') version = 1
      const tag = tags[version] as string | string[]
      sendJson(res, received, { id: 1, parent_id: null, version, NOTE }, { ETag: tag })
    })
    const app = await buildTestApp(t, upstream.url)
    const coded = { 'accept-encoding': 'gzip' }
    const first = await app.get('/customers/1', { headers: coded })
    const tag = String(first.headers['etag'])
    t.match(tag, /^"[\w-]{22}-gz"$/, `${tags[0]}: a tag of our own`)
    const headers = { ...coded, 'if-none-match': tag }
    t.equal((await app.get('/customers/1', { headers })).status, 304)
    const write = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{}' }
    await app.get('/customers/1', write)
    t.equal((await app.get('/customers/1', { headers })).status, 200, `${tags[1]}: it has changed`)
  }
})

t.test('a tag that changes beside the same body is no change, when it is none', async (t) => {
  const upstream = await startUpstream(t, (received, res, n) =>
    sendJson(res, received, '{"id": 1, "parent_id": null}', { ETag: `v${n}` }),
  )
  const app = await buildTestApp(t, upstream.url, { cache: { ttlMs: 1_000 } })
  const first = await app.get('/customers/1')
  app.clock.advance(1_001)
  const second = await app.get('/customers/1')
  t.equal(upstream.requests.length, 2)
  t.equal(second.headers['etag'], first.headers['etag'])
  const metrics = await (await fetch(`${app.opsUrl}/metrics`)).text()
  t.match(metrics, /layby_invalidations_total\{source="change"\} 0\n/)
})

t.test('what the API calls its tag is told as it is, weak or strong', async (t) => {
  for (const tag of ['"v5"', 'W/"v5"', '"a,b"']) {
    const upstream = await startUpstream(t, (received, res) =>
      sendJson(res, received, '{"id": 1, "parent_id": null}', { ETag: tag }),
    )
    const app = await buildTestApp(t, upstream.url)
    await app.get('/customers/1')
    t.equal((await app.get('/customers/1')).headers['etag'], tag)
  }
})

t.test(
  'without a Date of the API’s, or with none that is one, that of the receipt is kept',
  async (t) => {
    for (const date of [undefined, 'yesterday', '2026-11-24T10:00:00Z']) {
      const upstream = await startUpstream(t, (received, res) => {
        res.sendDate = false
        const extra: Record<string, string> = date === undefined ? {} : { Date: date }
        sendJson(res, received, '{"id": 1, "parent_id": null}', extra)
      })
      const app = await buildTestApp(t, upstream.url)
      const received = new Date(app.clock.wall()).toUTCString()
      t.equal((await app.get('/customers/1')).headers['date'], received)
      app.clock.advance(100_000)
      const hit = await app.get('/customers/1')
      t.equal(hit.headers['date'], received)
      t.equal(hit.headers['age'], '100')
      const headers = { 'if-none-match': String(hit.headers['etag']) }
      t.equal((await app.get('/customers/1', { headers })).headers['date'], received)
    }
  },
)

t.test('a field that has one value is none with two', async (t) => {
  for (const [reason, name, values] of [
    ['type', 'Content-Type', ['application/json', 'text/html']],
    ['version', 'X-API-VERSION', ['2023/04/19', '2021/04/07']],
    ['encoding', 'Content-Encoding', ['identity', 'gzip']],
  ] as const) {
    const upstream = await startUpstream(t, (received, res) => {
      const body = '{"id": 1, "parent_id": null}'
      const version = String(received.headers['x-api-version'])
      const fields = { 'Content-Type': 'application/json', 'X-API-VERSION': version }
      const lines = Object.entries(fields).filter(([field]) => field !== name)
      for (const value of values) lines.push([name, value])
      res.writeHead(200, [...lines.flat(), 'Content-Length', String(body.length)])
      res.end(body)
    })
    const app = await buildTestApp(t, upstream.url)
    t.match((await app.get('/customers/1')).headers['cache-status'], `detail=reject.${reason}`)
  }
})

/** An upstream in trouble: breaker, bulkhead, 429, and the one retry of a read (reliability F26, F27, F31, U4, U5, S11). */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startRawUpstream } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.test('after failures in a row reads are not sent, but for a trial a second', async (t) => {
  const upstream = await startUpstream(t, (_received, res) => res.writeHead(503).end())
  const app = await buildTestApp(t, upstream.url)
  for (let i = 1; i <= 10; i++) t.equal((await app.get(`/customers/${i}`)).status, 503)
  const refused = await app.get('/customers/99')
  t.equal(refused.status, 503)
  t.match(refused.headers['retry-after'], /^[12]$/)
  t.equal((JSON.parse(refused.body) as { code: string }).code, 'upstream_paused')
  t.equal(app.reports.at(-1)?.outcome.detail, 'breaker')
  t.equal(upstream.requests.length, 10)
  t.match(app.logged(), /the upstream fails/)
  app.clock.advance(1_000)
  await Promise.all(Array.from({ length: 20 }, (_, i) => app.get(`/customers/${100 + i}`)))
  t.equal(upstream.requests.length, 11, 'one trial')
  upstream.answer((received, res) => sendJson(res, received, '{"id": 1, "parent_id": null}'))
  app.clock.advance(1_000)
  t.equal((await app.get('/customers/1')).status, 200)
  t.equal((await app.get('/customers/2')).status, 200)
  t.match(app.logged(), /the upstream answers again/)
})

t.test('writes are sent all the same while the breaker is open', async (t) => {
  const upstream = await startUpstream(t, (_received, res) => res.writeHead(503).end())
  const app = await buildTestApp(t, upstream.url)
  for (let i = 1; i <= 10; i++) await app.get(`/customers/${i}`)
  const write = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
  for (let i = 0; i < 5; i++) t.equal((await app.get('/customers/1', write)).status, 503)
  t.equal(upstream.requests.filter(({ method }) => method === 'PATCH').length, 5)
})

t.test(
  'a tenant that was answered 429 is kept from the upstream as long as that asked',
  async (t) => {
    const upstream = await startUpstream(t, (_received, res) => {
      res.writeHead(429, { 'retry-after': '5', 'content-type': 'application/json' }).end('{"a": 1}')
    })
    const app = await buildTestApp(t, upstream.url)
    const first = await app.get('/customers/1')
    t.equal(first.status, 429)
    t.equal(first.headers['retry-after'], '5')
    t.equal(first.body, '{"a": 1}')
    const second = await app.get('/customers/2')
    t.equal(second.status, 503)
    t.match(second.headers['retry-after'], /^[4-6]$/)
    t.equal((JSON.parse(second.body) as { code: string }).code, 'tenant_limit')
    t.equal(upstream.requests.length, 1)
    await app.get('/customers/2', { headers: { 'x-tenant-id': '8' } })
    t.equal(upstream.requests.length, 2, 'another tenant is not concerned')
    app.clock.advance(5_000)
    upstream.answer((received, res) => sendJson(res, received, '{"id": 1, "parent_id": null}'))
    t.equal((await app.get('/customers/1')).status, 200)
  },
)

t.test('a noisy tenant fills its own lanes only', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantReads: 4 } })
  upstream.hold()
  const noisy = Array.from({ length: 1_010 }, (_, i) => app.get(`/customers/${i + 1}`))
  await upstream.received(4)
  await app.lookedUp(1_010)
  const shed = await Promise.race(noisy)
  t.equal(shed.status, 503, 'beyond lanes and queue it is refused at once')
  t.match(shed.headers['retry-after'], /^[1-3]$/)
  t.equal(upstream.requests.length, 4)
  const quiet = app.get('/customers/1', { headers: { 'x-tenant-id': '8' } })
  await upstream.received(5)
  t.equal(upstream.requests.at(-1)?.headers['x-tenant-id'], '8', 'the quiet one is not kept')
  upstream.release()
  t.equal((await quiet).status, 200)
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(noisy)) counts[status] = (counts[status] ?? 0) + 1
  t.same(counts, { 200: 1_004, 503: 6 })
})

t.test('a read that is held back takes no hit from its credential', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantReads: 1 } })
  await app.get('/customers/1')
  upstream.answer((_received, res) => {
    res.writeHead(429, { 'retry-after': '5', 'content-type': 'application/json' }).end('{}')
  })
  const other = { authorization: 'Bearer token-two.bbbb' }
  t.equal((await app.get('/customers/2', { headers: other })).status, 429)
  t.equal((await app.get('/customers/3')).status, 503, 'its tenant has to wait')
  t.match((await app.get('/customers/1')).headers['cache-status'], /; hit; .*detail=memory/)
  // One that was sent and not answered may have changed the version in force.
  app.clock.advance(5_000)
  upstream.answer((_received, res) => res.writeHead(503).end())
  t.equal((await app.get('/customers/3')).status, 503)
  const doubted = await app.get('/customers/1')
  t.equal(doubted.status, 200)
  t.notMatch(doubted.headers['cache-status'], /detail=memory/)
})

/** An upstream that ends each connection when a second request comes on it, without a byte of answer. */
const OK =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-API-VERSION: 2023/04/19\r\nContent-Length: 28\r\n\r\n{"id": 1, "parent_id": null}'

t.test(
  'a read on a connection that dies unanswered is sent once more, a write never',
  async (t) => {
    const seen: string[] = []
    const upstream = await startRawUpstream(t, async (connection) => {
      const first = await connection.until((text) => text.includes('\r\n\r\n'))
      seen.push(first.slice(0, 5))
      connection.write(OK)
      const both = await connection.until((text) => text.length > first.length)
      seen.push(both.slice(first.length, first.length + 5))
      connection.socket.destroy()
    })
    const app = await buildTestApp(t, upstream.url)
    t.equal((await app.get('/customers/1')).status, 200)
    t.equal((await app.get('/customers/2')).status, 200, 'the second connection answers')
    t.equal(upstream.connections.length, 2)
    // That one was for the retry alone: this read leaves one that has served and is idle.
    t.equal((await app.get('/customers/3')).status, 200)
    t.equal(upstream.connections.length, 3)
    const write = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
    t.equal((await app.get('/customers/1', write)).status, 502)
    t.equal(seen.filter((start) => start === 'PATCH').length, 1)
  },
)

/** A promise, and what fulfils it. */
function event(): { readonly happened: Promise<void>; readonly happens: () => void } {
  let happens: () => void = () => {}
  const happened = new Promise<void>((resolve) => {
    happens = resolve
  })
  return { happened, happens }
}

t.test('of connections that die together a read meets one, and no more', async (t) => {
  const [both, third, fourth, over] = [event(), event(), event(), event()]
  let there = 0
  const upstream = await startRawUpstream(t, async (connection) => {
    const first = await connection.until((text) => text.includes('\r\n\r\n'))
    if (++there === 2) both.happens()
    await both.happened
    connection.write(OK)
    const all = await connection.until((text) => text.length > first.length)
    if (all.includes('GET /customers/3 ')) {
      third.happens()
      await fourth.happened
      connection.write(OK)
      const { length } = all
      await connection.until((text) => text.length > length)
    } else {
      fourth.happens()
      await over.happened
    }
    connection.socket.destroy()
  })
  const app = await buildTestApp(t, upstream.url)
  await Promise.all([app.get('/customers/1'), app.get('/customers/2')])
  const three = app.get('/customers/3')
  await third.happened
  const four = app.get('/customers/4')
  t.equal((await three).status, 200)
  // Its connection is idle again, and the first that the pool would choose, when the other one ends.
  over.happens()
  t.equal((await four).status, 200)
  t.equal(upstream.connections.length, 3, 'the idle one was not tried')
})

t.test('retries stay within their budget', async (t) => {
  let answered = 0
  const upstream = await startRawUpstream(t, async (connection) => {
    let length = 0
    const first = await connection.until((text) => text.includes('\r\n\r\n'))
    length = first.length
    answered++
    connection.write(OK)
    await connection.until((text) => text.length > length)
    connection.socket.destroy()
  })
  const app = await buildTestApp(t, upstream.url, { upstream: { connections: 1 } })
  let failures = 0
  for (let i = 1; i <= 60; i++) {
    const { status } = await app.get(`/customers/${i}`)
    if (status !== 200) failures++
  }
  // Without a retry every second read would fail; with as many as need be, none. Ten retries are saved up
  // and about five earned: the other half of thirty fail.
  t.ok(failures >= 12 && failures <= 18, `${failures} failures`)
  t.equal(answered, 60 - failures)
})

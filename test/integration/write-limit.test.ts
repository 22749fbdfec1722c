/**
 * Writes of credentials that the API has not accepted may end in doubt ten times a minute for each tenant: each such
 * outcome makes stale what the write may have changed, whoever asked.
 */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type Reply, type TestApp } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { openConnection, parseReplies, roundTrips, startWiretap } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const MAX = 10
const STRANGER = 'Bearer a-stranger.aaaa'

const WRITES: Record<string, { method: string; path: string; body?: string }> = {
  'with content': { method: 'POST', path: '/customers/2/contacts', body: '{"name": "x"}' },
  'without content': { method: 'DELETE', path: '/customers/2/addresses/3' },
}

async function start(t: Test, status: () => number) {
  const upstream = await startUpstream(t, (received, res) => {
    const isRead = received.method === 'GET'
    sendJson(res, received, '{"id": 1, "parent_id": null}', {}, isRead ? 200 : status())
  })
  const app = await buildTestApp(t, upstream.url)
  return { upstream, app }
}

function write(
  app: TestApp,
  { method, path, body }: (typeof WRITES)[string],
  authorization = STRANGER,
  tenant = '7',
): Promise<Reply> {
  const type = body === undefined ? undefined : 'application/json'
  const headers = { authorization, 'x-tenant-id': tenant, 'content-type': type }
  return app.get(path, { method, headers, ...(body === undefined ? {} : { body }) })
}

function codeOf({ body }: Reply): unknown {
  return (JSON.parse(body) as { code?: unknown }).code
}

const writesAt = (upstream: ScriptedUpstream): number =>
  upstream.requests.filter(({ method }) => method !== 'GET').length

for (const [name, what] of Object.entries(WRITES)) {
  t.test(`the eleventh write ${name} to end in doubt within a minute is not sent`, async (t) => {
    const { upstream, app } = await start(t, () => 500)
    await app.get('/customers/1')
    for (let i = 0; i < MAX; i++) {
      t.equal((await write(app, what, `Bearer stranger-${i}.aaaa`)).status, 500)
    }
    const refused = await write(app, what)
    t.equal(refused.status, 503)
    t.equal(codeOf(refused), 'write_limit')
    t.match(refused.body, /The request was not sent upstream/)
    const retryAfter = Number(refused.headers['retry-after'])
    t.ok(retryAfter >= 48 && retryAfter <= 72, `a minute, jittered: ${retryAfter} s`)
    t.equal(writesAt(upstream), MAX)
    t.equal(app.reports.at(-1)?.problem, 'write_limit')
    t.match((await app.get('/customers/1')).headers['cache-status'], /; hit/)
    t.equal((await write(app, what, STRANGER, '8')).status, 500, 'another tenant is not limited')
    t.equal((await write(app, what, HEADERS.authorization)).status, 500, 'who was accepted is not')
    app.clock.advance(60_000)
    t.equal((await write(app, what)).status, 500, 'a minute later one may be sent again')
  })

  t.test(`writes ${name} that end well or in a refusal are not counted`, async (t) => {
    const statuses = [200, 201, 400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429, 431]
    let n = 0
    const { app } = await start(t, () => statuses[n++ % statuses.length] as number)
    for (let i = 0; i < 3 * statuses.length; i++) {
      const { status } = await write(app, what, `Bearer stranger-${i}.aaaa`)
      t.equal(status, statuses[i % statuses.length])
    }
  })

  t.test(
    `a credential that was accepted may end as many writes ${name} in doubt as it will`,
    async (t) => {
      const { upstream, app } = await start(t, () => 503)
      await app.get('/customers/1')
      for (let i = 0; i < 3 * MAX; i++) {
        t.equal((await write(app, what, HEADERS.authorization)).status, 503)
      }
      t.equal(writesAt(upstream), 3 * MAX)
      t.equal((await write(app, what)).status, 503)
      t.equal(writesAt(upstream), 3 * MAX + 1, 'nor do they count for others')
    },
  )

  t.test(
    `of many writes ${name} at once no more are on their way than may end in doubt`,
    async (t) => {
      let status = 200
      const { upstream, app } = await start(t, () => status)
      upstream.hold()
      const all = Array.from({ length: 30 }, (_, i) =>
        write(app, what, `Bearer stranger-${i}.aaaa`),
      )
      await upstream.received(MAX)
      await roundTrips(app.url, 5)
      t.equal(writesAt(upstream), MAX, 'the others wait')
      upstream.release()
      t.ok(
        (await Promise.all(all)).every((reply) => reply.status === 200),
        'and are sent then',
      )
      status = 500
      upstream.forget()
      const more = await Promise.all(
        Array.from({ length: 30 }, (_, i) => write(app, what, `Bearer late-${i}.aaaa`)),
      )
      t.equal(more.filter((reply) => reply.status === 500).length, MAX)
      t.equal(more.filter((reply) => codeOf(reply) === 'write_limit').length, 30 - MAX)
      t.equal(writesAt(upstream), MAX)
    },
  )

  t.test(`writes ${name} that could not be sent are not counted`, async (t) => {
    const app = await buildTestApp(t, `http://127.0.0.1:${await freePort()}`)
    for (let i = 0; i < 3 * MAX; i++) t.equal((await write(app, what)).status, 502)
  })
}

t.test('once the limit is reached a write is refused before its content is read', async (t) => {
  const { app } = await start(t, () => 500)
  const what = { method: 'PATCH', path: '/customers/2', body: '{}' }
  for (let i = 0; i < MAX; i++) await write(app, what)
  const client = openConnection(t, app.url)
  const own = { ...HEADERS, authorization: STRANGER, host: 'a' }
  const lines = Object.entries(own).map((each) => each.join(': '))
  lines.push('Content-Type: application/json', 'Content-Length: 1000', '', '{')
  client.write(['PATCH /customers/2 HTTP/1.1', ...lines].join('\r\n'))
  const [reply] = parseReplies(await client.ended)
  t.equal(reply?.status, 503)
  t.match(reply?.body, /write_limit/)
})

t.test('writes that break off while they are sent as they come are counted', async (t) => {
  const upstream = await startUpstream(t)
  const wire = await startWiretap(t, upstream.url)
  const app = await buildTestApp(t, wire.url, { server: { maxHeldBytes: 0 } })
  const own = { ...HEADERS, authorization: STRANGER, host: 'a' }
  const lines = Object.entries(own).map((each) => each.join(': '))
  lines.push('Content-Type: application/json', 'Content-Length: 1000', '', '{')
  for (let i = 0; i < MAX; i++) {
    const client = openConnection(t, app.url)
    client.write([`PATCH /customers/${i}0 HTTP/1.1`, ...lines].join('\r\n'))
    while (!wire.text.includes(` /customers/${i}0 `)) await roundTrips(app.url, 1)
    client.socket.resetAndDestroy()
    await roundTrips(app.url, 3)
  }
  const what = { method: 'PATCH', path: '/customers/2', body: '{}' }
  t.equal(codeOf(await write(app, what)), 'write_limit')
})

/**
 * What passes through has lanes: one tenant, or whoever has no token, holds only its own, and what clients wait for
 * no longer holds nothing (reliability S11).
 */
import t, { type Test } from 'tap'
import type { Report } from '../../src/cache/report.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { openConnection, roundTrips } from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'
import { type Script, type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)
const NOISY = '666'
const JSON_TYPE = { 'content-type': 'application/json' }

/** Everything that goes to the API and is no cached read, or is one that goes on each time. */
const FLOODS = {
  'a query': (n: number) => ({ path: `/customers/${n}?all`, method: 'GET', headers: {} }),
  'no-store': (n: number) => ({
    path: `/customers/${n}`,
    method: 'GET',
    headers: { 'cache-control': 'no-store' },
  }),
  'another path': (n: number) => ({ path: `/things/${n}`, method: 'GET', headers: {} }),
  HEAD: (n: number) => ({ path: `/things/${n}`, method: 'HEAD', headers: {} }),
  OPTIONS: (n: number) => ({ path: `/things/${n}`, method: 'OPTIONS', headers: {} }),
  'preflights without a token': (n: number) => ({
    path: `/things/${n}`,
    method: 'OPTIONS',
    headers: {
      authorization: undefined,
      'x-tenant-id': undefined,
      'x-api-version': undefined,
      origin: 'https://a.example',
      'access-control-request-method': 'GET',
    },
  }),
  'writes with content': (n: number) => ({
    path: `/customers/${n}`,
    method: 'PATCH',
    headers: JSON_TYPE,
    body: '{}',
  }),
  'writes without content': (n: number) => ({
    path: `/things/${n}`,
    method: 'DELETE',
    headers: {},
  }),
} as const

interface Held {
  readonly upstream: ScriptedUpstream
  /** Requests that the API has received and does not answer. */
  readonly held: () => number
  /** Of which the connection has ended. */
  readonly ended: () => number
  readonly release: () => void
}

/** An API that does not answer whatever `isHeld` says. */
async function holding(t: Test, isHeld: (url: string, tenant: unknown) => boolean): Promise<Held> {
  const waiting: (() => void)[] = []
  let ended = 0
  const script: Script = (received, res) => {
    const answer = (): void => sendJson(res, received, '{"id": 1, "parent_id": null}')
    if (!isHeld(received.url, received.headers['x-tenant-id'])) {
      answer()
      return
    }
    waiting.push(answer)
    res.once('close', () => {
      if (!res.writableFinished) ended++
    })
  }
  const upstream = await startUpstream(t, script)
  return {
    upstream,
    held: () => waiting.length,
    ended: () => ended,
    release: () => {
      upstream.answer((received, res) => sendJson(res, received, '{"id": 1, "parent_id": null}'))
      for (const answer of waiting.splice(0)) answer()
    },
  }
}

/** What another tenant gets meanwhile. */
async function victim(app: TestApp, n: number): Promise<number[]> {
  const headers = { 'x-tenant-id': '8', authorization: 'Bearer the-victim.bbbb' }
  const asked = ['/customers/1', '/customers/1?all', '/things'].map((path) =>
    app.get(path.replace('1', String(n)), { headers }),
  )
  return (await Promise.all(asked)).map(({ status }) => status)
}

for (const [name, flood] of Object.entries(FLOODS)) {
  t.test(`a tenant that floods by ${name} leaves the others their connections`, async (t) => {
    const { upstream, held, release } = await holding(t, (_, tenant) => tenant !== '8')
    const app = await buildTestApp(t, upstream.url, { upstream: { connections: 16 } })
    const noisy = Array.from({ length: 60 }, async (_, n) => {
      const { path, ...asked } = flood(n + 1)
      const headers = { 'x-tenant-id': NOISY, ...asked.headers }
      return (await app.get(path, { ...asked, headers })).status
    })
    // A half of a half of sixteen; a read with `no-store` is one of its tenant's cached reads, of which it has eight.
    const most = name === 'no-store' ? 7 : 4
    await until(() => held() === most, 'that its lanes are full')
    t.same(await victim(app, 1), [200, 200, 200])
    t.same(await victim(app, 2), [200, 200, 200])
    t.equal(held(), most)
    release()
    const statuses = new Set(await Promise.all(noisy))
    t.same(
      statuses,
      new Set([name.startsWith('preflights') ? 204 : 200]),
      'who waited had its turn',
    )
  })
}

t.test('all that passes through leaves a half of the connections to cached reads', async (t) => {
  const { upstream, held, release } = await holding(t, (url) => url.startsWith('/things'))
  const app = await buildTestApp(t, upstream.url, { upstream: { connections: 16 } })
  const noisy = Array.from({ length: 60 }, (_, n) =>
    app.get('/things', { headers: { 'x-tenant-id': String(100 + n) } }),
  )
  await until(() => held() === 7, 'that the share is full but for what accepted credentials have')
  t.equal((await app.get('/customers/1')).status, 200)
  t.equal((await app.get('/quick')).status, 200, 'its token is accepted by now')
  t.equal(held(), 7)
  release()
  await Promise.all(noisy)
})

t.test('beyond lanes and queue it is refused at once, unsent', async (t) => {
  const { upstream, held, release } = await holding(t, () => true)
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantPassThrough: 7 } })
  const noisy = Array.from({ length: 1_017 }, () =>
    app.get('/things', { method: 'POST', headers: JSON_TYPE, body: '{}' }),
  )
  const shed = await Promise.race(noisy)
  t.equal(shed.status, 503)
  t.equal(JSON.parse(shed.body).code, 'tenant_limit')
  t.match(shed.body, /was not sent upstream/)
  t.match(shed.headers['retry-after'], /^[1-3]$/)
  const refused = (): readonly Report[] =>
    app.reports.filter(({ problem }) => problem === 'tenant_limit')
  await until(() => refused().length === 10, 'that all have come')
  t.equal(held(), 7)
  release()
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(noisy)) counts[status] = (counts[status] ?? 0) + 1
  t.same(counts, { 200: 1_007, 503: 10 })
  t.ok(refused().every(({ outcome }) => outcome.kind === 'failed' && outcome.detail === 'limited'))
})

t.test('who has a token that the API knows is not kept out by who has none', async (t) => {
  const { upstream, held, release } = await holding(t, (url) => url === '/slow')
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantPassThrough: 8 } })
  t.equal((await app.get('/customers/1')).status, 200, 'its token is accepted')
  const noisy = Array.from({ length: 20 }, (_, n) =>
    app.get('/slow', { headers: { authorization: `Bearer made.up${n}` } }),
  )
  await until(() => held() === 7, 'that they hold all but the last')
  t.equal((await app.get('/things')).status, 200)
  release()
  await Promise.all(noisy)
})

const ends = { resets: 'resetAndDestroy', ends: 'end' } as const

function head(line: string): string {
  const lines = [
    line,
    'Host: a',
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

for (const [goes, end] of Object.entries(ends)) {
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    t.test(`a ${method} whose client ${goes} its connection is cancelled`, async (t) => {
      const { upstream, held, ended, release } = await holding(t, (url) => url !== '/quick')
      const app = await buildTestApp(t, upstream.url, { upstream: { tenantPassThrough: 1 } })
      const clients = Array.from({ length: 5 }, () => {
        const client = openConnection(t, app.url)
        client.write(head(`${method} /slow HTTP/1.1`))
        return client
      })
      await until(() => held() === 1, 'that one is under way')
      // Those that wait have been read by then.
      await roundTrips(app.url, 20)
      const next = app.get('/quick')
      for (const { socket } of clients) socket[end]()
      await until(() => ended() === 1, 'that its connection is free')
      t.equal((await next).status, 200)
      t.equal(held(), 1, 'those that waited were not sent')
      await until(() => app.reports.length >= 6, 'that all were reported')
      const left = app.reports.filter(({ problem }) => problem === 'client_gone')
      t.same(
        left.map(({ status }) => status),
        [499, 499, 499, 499, 499],
      )
      t.ok(left.every(({ outcome }) => outcome.kind === 'pass-through'))
      t.notMatch(app.logged(), /internal error/)
      release()
    })
  }

  t.test(`a write that was sent goes on when its client ${goes} its connection`, async (t) => {
    const { upstream, held, ended, release } = await holding(t, (url) => url !== '/quick')
    const app = await buildTestApp(t, upstream.url, { upstream: { tenantPassThrough: 1 } })
    const clients = Array.from({ length: 3 }, () => {
      const client = openConnection(t, app.url)
      client.write(head('DELETE /things/1 HTTP/1.1'))
      return client
    })
    await until(() => held() === 1, 'that one is under way')
    await roundTrips(app.url, 20)
    for (const { socket } of clients) socket[end]()
    await roundTrips(app.url, 50)
    t.equal(ended(), 0, 'it is not broken off')
    const next = app.get('/quick')
    release()
    t.equal((await next).status, 200)
    t.same(
      upstream.requests.map(({ method }) => method),
      ['DELETE', 'GET'],
      'those that waited were not sent',
    )
  })
}

t.test('who leaves while it waits is told of at once, whatever holds the place', async (t) => {
  const { upstream, held, release } = await holding(t, () => true)
  const app = await buildTestApp(t, upstream.url, { upstream: { tenantPassThrough: 1 } })
  const write = app.get('/things/1', { method: 'DELETE' })
  await until(() => held() === 1, 'that a write is under way')
  const waiting = ['GET', 'HEAD', 'DELETE'].map((method) => {
    const client = openConnection(t, app.url)
    client.write(head(`${method} /things HTTP/1.1`))
    return client
  })
  await roundTrips(app.url, 20)
  for (const { socket } of waiting) socket.resetAndDestroy()
  const left = (): number => app.reports.filter(({ problem }) => problem === 'client_gone').length
  await until(() => left() === 3, 'that they do not wait any longer')
  t.equal(held(), 1)
  release()
  t.equal((await write).status, 200)
})

for (const [name, path, key] of [
  ['of what passes through', '/things', 'tenantPassThrough'],
  ['of a cached read', '/customers/1', 'tenantReads'],
] as const) {
  t.test(`a long body ${name} holds its place until it has been read`, async (t) => {
    const upstream = await startUpstream(t, (received, res) => {
      const length = received.url === path ? 32 * 2 ** 20 : 10
      res.writeHead(200, { 'content-length': length, 'content-type': 'application/json' })
      res.end(Buffer.alloc(length, 'x'))
    })
    const app = await buildTestApp(t, upstream.url, { upstream: { [key]: 1 } })
    const client = openConnection(t, app.url)
    client.write(head(`GET ${path} HTTP/1.1`))
    await client.until((text) => text.includes('\r\n\r\n'))
    client.socket.pause()
    let isAnswered = false
    const other = app.get(`${path}2`).then(() => {
      isAnswered = true
    })
    await roundTrips(app.url, 30)
    t.equal(isAnswered, false)
    t.equal(upstream.requests.length, 1)
    client.socket.destroy()
    await other
    t.equal(upstream.requests.length, 2)
  })
}

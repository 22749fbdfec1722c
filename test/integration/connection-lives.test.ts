/** Connections to the upstream end with their time, or with their address, and no request is lost or repeated by it. */
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { openConnection, startRawUpstream } from '../helpers/raw-socket.ts'
import { until } from '../helpers/until.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const NAME = 'api.layby.invalid'
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

interface Moving {
  readonly url: string
  readonly lookups: () => number
  /** Where the name leads from now on; null: it can't be looked up. */
  lead(addresses: readonly string[] | null): void
}

type Found = { readonly address: string; readonly family: 4 }
type Done = (error: Error | null, found?: Found[] | string, family?: number) => void
type Lookup = (name: string, options: { readonly all?: boolean }, done: Done) => void

/** A server at each of two addresses, which answers with its own, and a name that leads to one. */
async function startMoving(t: Test): Promise<Moving> {
  let port = 0
  const servers: Server[] = []
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const server = createServer((_req, res) => void res.end(JSON.stringify({ host })))
    server.listen(port, host)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    servers.push(server)
  }
  t.teardown(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })
  let current: readonly string[] | null = ['127.0.0.1']
  let lookups = 0
  const original = dns.lookup as Lookup
  const moving: Lookup = (name, options, done) => {
    if (name !== NAME) return original(name, options, done)
    lookups++
    const found = (current ?? []).map((address) => ({ address, family: 4 as const }))
    process.nextTick(() => {
      if (current === null) done(Object.assign(new Error('a'), { code: 'EAI_AGAIN' }))
      else if (options.all === true) done(null, found)
      else done(null, found[0]?.address ?? '', 4)
    })
  }
  dns.lookup = moving as typeof dns.lookup
  t.teardown(() => {
    dns.lookup = original as typeof dns.lookup
  })
  return {
    url: `http://${NAME}:${port}`,
    lookups: () => lookups,
    lead: (addresses) => {
      current = addresses
    },
  }
}

async function hostOf(app: TestApp): Promise<string> {
  const { body } = await app.get('/things')
  return (JSON.parse(body) as { host: string }).host
}

t.test('steady traffic follows the name of the API within moments', async (t) => {
  const moving = await startMoving(t)
  const app = await buildTestApp(t, moving.url, { upstream: { addressCheckMs: 50 } })
  t.equal(await hostOf(app), '127.0.0.1')
  moving.lead(['127.0.0.2'])
  await until(async () => (await hostOf(app)) === '127.0.0.2', 'that the new address is asked')
  t.ok(app.reports.every(({ status }) => status === 200))
})

t.test('connections stay where the name has their address, or can not be looked up', async (t) => {
  const moving = await startMoving(t)
  const app = await buildTestApp(t, moving.url, { upstream: { addressCheckMs: 20 } })
  t.equal(await hostOf(app), '127.0.0.1')
  for (const addresses of [['127.0.0.2', '127.0.0.1'], null]) {
    moving.lead(addresses)
    const from = moving.lookups()
    await until(() => moving.lookups() >= from + 4, 'that it is looked up')
    t.equal(await hostOf(app), '127.0.0.1')
  }
})

t.test('a name is not looked up without a connection, nor where no check is wanted', async (t) => {
  const moving = await startMoving(t)
  await buildTestApp(t, moving.url, { upstream: { addressCheckMs: 10 } })
  const app = await buildTestApp(t, moving.url, { upstream: { addressCheckMs: 0 } })
  t.equal(await hostOf(app), '127.0.0.1')
  await pause(200)
  t.equal(moving.lookups(), 1, 'for the connection itself')
})

t.test('a connection at the end of its life finishes its request, and is closed', async (t) => {
  const upstream = await startRawUpstream(t, () => {})
  const app = await buildTestApp(t, upstream.url, { upstream: { connectionLifeMs: 200 } })
  const asked = app.get('/things')
  await until(() => upstream.connections[0]?.text.includes('\r\n\r\n') === true, 'the request')
  await pause(400)
  upstream.connections[0]?.write(OK)
  t.equal((await asked).status, 200)
  await upstream.connections[0]?.ended
  const next = app.get('/things')
  await until(() => upstream.connections[1]?.text.includes('\r\n\r\n') === true, 'another one')
  upstream.connections[1]?.write(OK)
  t.equal((await next).status, 200)
})

t.test('a body that is streamed past the end of the connection’s life is whole', async (t) => {
  const upstream = await startRawUpstream(t, () => {})
  const app = await buildTestApp(t, upstream.url, { upstream: { connectionLifeMs: 100 } })
  const client = openConnection(t, app.url)
  client.write(
    'GET /things HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b\r\nx-tenant-id: 7\r\n\r\n',
  )
  await until(() => upstream.connections[0]?.text.includes('\r\n\r\n') === true, 'the request')
  const half = 'x'.repeat(50_000)
  upstream.connections[0]?.write(`HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${half}`)
  await client.until((text) => text.length > 50_000)
  await pause(300)
  upstream.connections[0]?.write(half)
  await client.until((text) => text.endsWith(half + half))
  await upstream.connections[0]?.ended
  t.equal(upstream.connections.length, 1)
})

t.test('no request is lost or repeated while connections end all the time', async (t) => {
  const received = new Map<string, number>()
  const ports = new Set<unknown>()
  const upstream = await startUpstream(t, (request, res) => {
    const key = `${request.method} ${request.url} ${request.body}`
    received.set(key, (received.get(key) ?? 0) + 1)
    ports.add(res.socket?.remotePort)
    setTimeout(() => sendJson(res, request, '{"id": 1}'), Math.random() * 8)
  })
  const limits = { connectionLifeMs: 40, connections: 24 }
  const app = await buildTestApp(t, upstream.url, { upstream: limits })
  const content = { headers: { 'content-type': 'application/json' } }
  const COUNT = 400
  let next = 0
  const work = async (): Promise<void> => {
    while (next < COUNT) {
      const n = next++
      const method = ['GET', 'PATCH', 'POST'][n % 3] as string
      const more = method === 'POST' ? { ...content, body: `{"n":${n}}` } : {}
      const { status } = await app.get(`/things/${n}`, { method, ...more })
      if (status !== 200) t.fail(`${method} ${n}: ${status}`)
    }
  }
  await Promise.all(Array.from({ length: 20 }, work))
  t.equal(received.size, COUNT)
  t.strictSame(
    [...received].filter(([, times]) => times !== 1),
    [],
  )
  t.ok(ports.size > 20, `${ports.size} connections`)
})

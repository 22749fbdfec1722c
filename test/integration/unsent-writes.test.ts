/** A write of which no byte has left has changed nothing: whoever read before goes on reading, from the same copies. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'

const READS = 5
const TTL_MS = 60_000
const CACHE = { ttlMs: TTL_MS, staleIfErrorMs: 300_000 }

interface Outage {
  readonly app: TestApp
  /** Nobody listens from now on. */
  begin(): Promise<void>
  /** The same API at the same place. */
  end(): Promise<void>
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function start(t: Test): Promise<Outage> {
  const server = createServer((req, res) => {
    const id = /\/customers\/([0-9]+)/.exec(req.url ?? '')?.[1] ?? '0'
    req.resume().once('end', () => {
      res.writeHead(req.headers.authorization === HEADERS.authorization ? 200 : 401, {
        'content-type': 'application/json',
        'x-api-version': '2023/04/19',
      })
      res.end(`{"id": ${id}, "parent_id": null}`)
    })
  })
  const port = await listen(server, 0)
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  t.teardown(close)
  const app = await buildTestApp(t, `http://127.0.0.1:${port}`, { cache: CACHE })
  return { app, begin: close, end: async () => void (await listen(server, port)) }
}

/** What a known reader is given. */
async function reads(app: TestApp): Promise<string[]> {
  const given: string[] = []
  for (let id = 1; id <= READS; id++) {
    const { status, headers } = await app.get(`/customers/${id}`)
    given.push(`${status} ${/; (hit|fwd=\S+)/.exec(String(headers['cache-status']))?.[1]}`)
  }
  return given
}

const all = (what: string): string[] => Array.from({ length: READS }, () => what)

const WRITES: Record<string, { method: string; path: string; body?: string }> = {
  'a write': { method: 'PATCH', path: '/customers/1', body: '{"name": "x"}' },
  'a write without content': { method: 'DELETE', path: '/customers/1/addresses/2' },
  'a write to what has no id': { method: 'PATCH', path: '/customers/x', body: '{}' },
  'a write to all': { method: 'DELETE', path: '/customers' },
}

for (const [name, { method, path, body }] of Object.entries(WRITES)) {
  for (const [whose, authorization] of [
    ['the reader', HEADERS.authorization],
    ['a stranger', 'Bearer a-stranger.aaaa'],
  ] as const) {
    t.test(`${name} of ${whose} that the API could not be sent takes no copy`, async (t) => {
      const { app, begin, end } = await start(t)
      const write = () =>
        app.get(path, {
          method,
          headers: {
            authorization,
            'content-type': body === undefined ? undefined : 'application/json',
          },
          ...(body === undefined ? {} : { body }),
        })
      await reads(app)
      t.same(await reads(app), all('200 hit'))
      await begin()
      t.equal((await write()).status, 502)
      t.same(await reads(app), all('200 hit'), 'fresh copies are hits')
      app.clock.advance(TTL_MS + 1)
      const stale = await reads(app)
      t.ok(
        stale.every((each) => each.startsWith('200')),
        'what is no longer fresh is served',
      )
      t.equal((await write()).status, 502)
      t.same(await reads(app), stale, 'so it is after a write that failed')
      await end()
      app.clock.advance(2_000)
      await reads(app)
      t.same(await reads(app), all('200 hit'), 'nothing is left behind')
    })
  }
}

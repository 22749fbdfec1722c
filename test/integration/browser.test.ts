/** A page of another origin in a real Chromium: reads with the API up and down, problems, and its own cache. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { startBrowser } from '../helpers/browser.ts'
import { type Script, type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const LIVE = { clock: systemClock }
const browser = await startBrowser(t)

interface Read {
  readonly status: number
  readonly body: string
  readonly cacheStatus: string | null
}

/** An API that speaks of CORS only to pages that name their origin. */
const api: Script = (received, res) => {
  const { origin } = received.headers
  const cors = origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' }
  if (received.method === 'OPTIONS') {
    res.writeHead(204, { ...cors, 'Access-Control-Allow-Headers': 'Authorization, X-TENANT-ID' })
    res.end()
    return
  }
  const body = '{"id": 1, "name": "Plain", "parent_id": null}'
  res.writeHead(200, {
    ...cors,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Api-Version': String(received.headers['x-api-version']),
  })
  res.end(body)
}

/** A page of an origin of its own; gone when the test ends. */
async function openPage(t: Test): Promise<Page> {
  const site = createServer((_, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end('<!doctype html><title>app</title>')
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const context = await browser.newContext()
  t.teardown(async () => {
    await context.close()
    site.closeAllConnections()
    site.close()
  })
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
  return page
}

/** What a script of the page is given; a read that it may not have rejects. */
function read(
  page: Page,
  app: TestApp,
  path: string,
  headers: Record<string, string> = HEADERS,
): Promise<Read> {
  return page.evaluate(
    async ([url, sent]) => {
      const response = await fetch(url, { headers: sent })
      const cacheStatus = response.headers.get('cache-status')
      return { status: response.status, body: await response.text(), cacheStatus }
    },
    [`${app.url}${path}`, headers] as const,
  )
}

const reads = ({ requests }: ScriptedUpstream): number =>
  requests.filter(({ method }) => method === 'GET').length

t.test('a page of another origin reads with the API up and down, and reads problems', async (t) => {
  const upstream = await startUpstream(t, api)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  const page = await openPage(t)
  const first = await read(page, app, '/customers/1')
  t.match(first, { status: 200, cacheStatus: 'stored' })
  t.match(JSON.parse(first.body), { id: 1 })
  const again = await read(page, app, '/customers/1')
  t.match(again, { status: 200, body: first.body, cacheStatus: 'hit' })
  t.equal(reads(upstream), 1)
  t.equal(app.reports.filter(({ method }) => method === 'GET').at(-1)?.status, 304)

  const { authorization: _, ...rest } = HEADERS
  const refused = await read(page, app, '/customers/1', { ...rest, 'cache-control': 'no-store' })
  t.equal(refused.status, 401)
  t.match(JSON.parse(refused.body), { code: 'missing_credentials' })

  await upstream.close()
  const down = await read(page, app, '/customers/1')
  t.match(down, { status: 200, body: first.body, cacheStatus: 'hit' })
  const lost = await read(page, app, '/customers/2')
  t.equal(lost.status, 502)
  t.match(JSON.parse(lost.body), { code: 'upstream_unreachable' })
  const another = await openPage(t)
  await t.rejects(read(another, app, '/customers/1'), 'the API was never asked of its origin')
})

t.test('a page with a lifetime of its own reads offline', async (t) => {
  const upstream = await startUpstream(t, api)
  const values = { cache: { clientMaxAgeSeconds: 300 } }
  const app = await buildTestApp(t, upstream.url, values, LIVE)
  const page = await openPage(t)
  const first = await read(page, app, '/customers/1')
  t.equal(first.status, 200)
  await app.close()
  t.same(await read(page, app, '/customers/1'), first, 'from its own cache')
  await t.rejects(read(page, app, '/customers/2'), 'nobody is there')
})

t.test('a page of a configured origin is answered without the API', async (t) => {
  const upstream = await startUpstream(t, api)
  const page = await openPage(t)
  const origin = new URL(page.url()).origin
  const app = await buildTestApp(t, upstream.url, { cors: { origins: [origin] } }, LIVE)
  t.equal((await read(page, app, '/customers/1')).status, 200)
  t.equal(upstream.requests.length, 1, 'no preflight')
  await t.rejects(read(await openPage(t), app, '/customers/1'))
})

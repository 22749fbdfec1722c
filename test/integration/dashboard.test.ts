/** In a real Chromium. `SCREENSHOTS=<folder>`: what it looks like, to be looked at. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { version } from '../../src/lib/package-file.ts'
import type { Snapshot } from '../../src/ops/snapshot.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { openDashboard, startBrowser, waitForText } from '../helpers/browser.ts'
import { freePort } from '../helpers/free-port.ts'
import { until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

const LIVE = { clock: systemClock }
const JSON_BODY = { headers: { 'content-type': 'application/json' }, body: '{}' }
const browser = await startBrowser(t)

/** Sums of the series of `/metrics` whose name and labels match. */
async function metrics(app: TestApp): Promise<(series: RegExp) => number> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  const samples = [...text.matchAll(/^([a-z_]+(?:\{.*?\})?) ([0-9.e+-]+)$/gm)]
  return (series) =>
    samples.reduce((sum, [, name = '', value]) => sum + (series.test(name) ? Number(value) : 0), 0)
}

/** What `/metrics` says, as the page names it. */
async function expected(app: TestApp): Promise<Record<string, number>> {
  const of = await metrics(app)
  const hits = of(/^layby_requests_total\{outcome="hit"/)
  const fills = of(/^layby_requests_total\{outcome="fill"/)
  const followers = of(/^layby_followers_total/)
  const calls = of(/^layby_fill_seconds_count\{.*(stored|rejected)/)
  return {
    requests: of(/^layby_requests_total/),
    memoryHits: of(/^layby_requests_total\{outcome="hit",tier="memory"/),
    redisHits: of(/^layby_requests_total\{outcome="hit",tier="redis"/),
    fills,
    followers,
    calls,
    saved: hits + fills + followers - calls - of(/^layby_stale_served_total\{why="sie"/),
    entries: of(/^layby_memory_entries/),
    evictions: of(/^layby_memory_evictions_total/),
    staleness: of(/^layby_staleness_seconds_count/),
  }
}

async function shown(page: Page): Promise<Record<string, number>> {
  const found = await page.locator('data[data-value]').evaluateAll((elements) =>
    elements.map((element) => [
      element.getAttribute('data-value') ?? '',
      // What a person reads, not what a script does.
      Number((element.textContent ?? '').replaceAll(',', '')),
    ]),
  )
  return Object.fromEntries(found) as Record<string, number>
}

async function equalsMetrics(t: Test, page: Page, app: TestApp): Promise<void> {
  const wanted = await expected(app)
  await until(async () => (await shown(page))['requests'] === wanted['requests'], 30_000)
  t.strictSame(await shown(page), wanted)
}

async function read(app: TestApp, ids: readonly number[], tenant = '7'): Promise<void> {
  for (const id of ids) await app.get(`/customers/${id}/`, { headers: { 'x-tenant-id': tenant } })
}

async function capture(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder !== undefined)
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

t.test('the numbers move as traffic does, and equal the metrics', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  const { page, objections } = await openDashboard(browser, app.opsUrl)
  await waitForText(page, '#verdict-title', /Too few reads/)

  await read(app, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
  await app.get('/customers/1', { method: 'PATCH', ...JSON_BODY })
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'x' } })
  await equalsMetrics(t, page, app)
  await waitForText(page, '#verdict-title', /The cache is helping: 75\u00a0% of reads come from it/)
  await waitForText(page, '[data-table="invalidations"]', /a write went through here/)
  await waitForText(page, '[data-table="problems"] tbody', /invalid tenant400/)

  upstream.hold()
  const waiting = Promise.all([read(app, [40]), read(app, [40]), read(app, [40])])
  await app.lookedUp(15)
  upstream.release()
  await waiting
  await read(app, [1, 2, 2, 3], '12')
  await equalsMetrics(t, page, app)
  t.equal((await shown(page))['followers'], 2)
  const tenants = await page.locator('[data-table="tenants"] tbody tr').allTextContents()
  t.match(tenants[0], /^7\d+ %/, 'who misses most comes first')
  t.match(
    tenants[1],
    /^12\d+ %425 %0first read/,
    'four requests, a quarter of them hits, none failed, and why',
  )
  await page.locator('[data-table="latency"] tbody th').first().waitFor()
  await page.locator('[data-chart="hits"] canvas').waitFor()
  t.strictSame(objections, [])
  await page.close()
})

t.test('head and title say which instance it is and how it does', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  const { page, objections } = await openDashboard(browser, app.opsUrl)
  const about = await page.locator('header .about').textContent()
  const snapshot = (await (await fetch(`${app.opsUrl}/dashboard/snapshot`)).json()) as Snapshot
  const told = [hostname(), snapshot.instance.slice(0, 8), version(), new URL(upstream.url).host]
  for (const each of told) t.ok(about?.includes(each), each)
  t.equal(await page.title(), `Nothing to judge yet · ${hostname()} · Layby`)
  await read(app, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
  await until(async () => (await page.title()) === `All well · ${hostname()} · Layby`, 30_000)
  t.strictSame(objections, [])
  await page.close()
})

t.test('answers of 4xx and 5xx are counted', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  await read(app, [1, 1, 1, 1, 1, 1])
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'x' } })
  upstream.answer((_received, res) => void res.destroy())
  await read(app, [2, 3])
  const { page } = await openDashboard(browser, app.opsUrl)
  await waitForText(page, '[data-value="clientErrors"]', /^1$/)
  await waitForText(page, '[data-value="clientErrorShare"]', /^11 %$/)
  await waitForText(page, '[data-value="serverErrors"]', /^2$/)
  await page.close()
})

t.test('a page that is just opened shows what was before it, and keys read it', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  await read(app, [1, 2, 1, 2])
  const history = async (): Promise<number> => {
    const reply = await fetch(`${app.opsUrl}/dashboard/history`)
    return ((await reply.json()) as { points: unknown[] }).points.length
  }
  await until(async () => (await history()) > 0, 30_000)
  const { page, objections } = await openDashboard(browser, app.opsUrl)
  const plot = page.locator('[data-chart="hits"] .plot')
  const live = '[data-chart="hits"] [aria-live="polite"]'
  const moment = /^\d\d:\d\d:\d\d: /
  await until(async () => {
    await plot.focus()
    await page.keyboard.press('Home')
    return /: Memory 50 %, Redis 0 %$/.test((await page.locator(live).textContent()) ?? '')
  }, 30_000)
  t.match(await page.locator(live).textContent(), moment)
  t.ok(await page.locator('[data-chart="hits"] .u-cursor-x').isVisible())
  await until(async () => {
    await page.keyboard.press('End')
    return /: Memory –, Redis –$/.test((await page.locator(live).textContent()) ?? '')
  }, 30_000)
  const end = (await page.locator(live).textContent()) ?? ''
  await page.keyboard.press('ArrowLeft')
  const before = (await page.locator(live).textContent()) ?? ''
  t.match(before, moment)
  t.ok(before < end, 'one point earlier')
  await page.keyboard.press('Tab')
  t.equal(await page.locator(live).textContent(), '', 'the cursor goes with the focus')
  t.equal(await page.locator('.plot:not([tabindex="0"])').count(), 0, 'keys reach all charts')
  t.strictSame(objections, [])
  await page.close()
})

t.test('trouble comes first: tenants, equal problems as one, and why calls fail', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  await read(app, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], '7')
  upstream.answer((_received, res) => void res.destroy())
  for (const tenant of ['8', '9', '10', '11']) await read(app, [2], tenant)
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'x' } })
  const { page, objections } = await openDashboard(browser, app.opsUrl)
  await waitForText(page, '[data-table="causes"] tbody', /connection ended before the answer\d4$/)
  const tenants = await page.locator('[data-table="tenants"] tbody tr').allTextContents()
  t.match(tenants[0], /^(8|9|10|11)\d+ %10 %1the API gave no valid answer/)
  t.match(tenants.at(-1), /^7\d+ %1090 %0/, 'who asks most has least trouble')
  t.equal(await page.locator('[data-table="tenants"] meter[aria-label]').count(), 5)
  const rows = await page.locator('[data-table="problems"] tbody tr').allTextContents()
  t.equal(rows.length, 2)
  const alike =
    /^[\d:]{8}4upstream unreachable502GET \/customers\/\{customer_id\}connection ended before the answer11, 10, 9 and others/
  t.match(rows[1], alike)
  t.match(rows[0], /^[\d:]{8}1invalid tenant400/)
  const link = page.locator('#findings a').first()
  t.match(await link.getAttribute('href'), /operations\.md#[a-z-]+$/)
  t.match(await link.getAttribute('aria-label'), /^What to do: \d+/)
  t.match(await page.locator('[data-chart="event-loop"] .legend b').textContent(), /^\d+ %$|^–$/)
  t.strictSame(objections, [])
  await page.close()
})

t.test('it fits a wide screen and a phone, in light and in dark', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  await read(app, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
  await app.get('/customers/1/', { headers: { 'x-tenant-id': 'x' } })
  const backgrounds = new Set<string>()
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      const { page, objections } = await openDashboard(browser, app.opsUrl, { colorScheme, width })
      await waitForText(page, '#verdict-state', /All well/)
      const fits = 'document.documentElement.scrollWidth <= innerWidth'
      t.ok(await page.evaluate(fits), `${colorScheme}, ${width} px: no scrolling to the side`)
      const background = 'getComputedStyle(document.body).backgroundColor'
      backgrounds.add(await page.evaluate<string>(background))
      await capture(page, `${colorScheme}-${width}`)
      t.strictSame(objections, [])
      await page.close()
    }
  }
  t.equal(backgrounds.size, 2)
})

t.test(
  'every panel has a heading and explains itself in a sentence, and tables have headers',
  async (t) => {
    const upstream = await startUpstream(t)
    const app = await buildTestApp(t, upstream.url, {}, LIVE)
    const { page } = await openDashboard(browser, app.opsUrl)
    for (const panel of await page.locator('.panel').all()) {
      const title = await panel.locator('h2').textContent()
      t.match(await panel.locator('.why').textContent(), /^[A-Z].{30,}\.$/, title ?? '')
      t.equal(
        await panel.getAttribute('aria-labelledby'),
        await panel.locator('h2').getAttribute('id'),
      )
    }
    t.equal(await page.locator('table thead tr > :not(th[scope="col"])').count(), 0)
    t.equal(await page.locator('[aria-live="polite"] #verdict-title').count(), 1)
    t.equal(await page.locator('main, header, footer').count(), 3)
    t.equal(await page.locator('.chart [role="application"]:not([aria-label])').count(), 0)
    await page.close()
  },
)

t.test(
  'it says that it is disconnected and since when, and connects again by itself',
  async (t) => {
    const upstream = await startUpstream(t)
    const port = await freePort()
    let page: Page | undefined
    await t.test('an instance that goes away', async (t) => {
      const app = await buildTestApp(t, upstream.url, { ops: { port } }, LIVE)
      await read(app, [1, 1, 1])
      page = (await openDashboard(browser, app.opsUrl)).page
      await equalsMetrics(t, page, app)
    })
    if (page === undefined) throw new Error('there is no page')
    await waitForText(
      page,
      '#connection',
      /Disconnected since \d\d:\d\d:\d\d; figures of .*trying again/,
    )
    const app = await buildTestApp(t, upstream.url, { ops: { port } }, LIVE)
    await waitForText(page, '#connection', /Live/)
    await read(app, [2])
    await equalsMetrics(t, page, app)
    await page.close()
  },
)

t.test('a breaker that is open and a Redis that is down are told in words', async (t) => {
  const upstream = await startUpstream(t)
  const redis = await startRedis(t)
  const app = await buildTestApp(t, upstream.url, { redis: { url: redis.url } }, LIVE)
  const { page, objections } = await openDashboard(browser, app.opsUrl)
  await waitForText(page, '#health', /API breaker: closed.*Redis: up.*Bus lease: held/)
  await redis.kill()
  await waitForText(page, '#health', /Redis: down.*Bus lease: lapsed/)
  await waitForText(page, '#findings', /Redis is down: each instance serves from its own memory/)
  upstream.answer((_received, res) => void res.destroy())
  for (let id = 100; id < 115; id++) await read(app, [id])
  await waitForText(page, '#health', /API breaker: open/)
  await waitForText(page, '#verdict-state', /Trouble/)
  await waitForText(page, '#verdict-title', /^The API does not answer; /)
  await waitForText(page, '#findings', /The API does not answer: the breaker is open/)
  await capture(page, 'trouble')
  t.strictSame(objections, [])
  await page.close()
})

t.test('nothing but the title is drawn while the page is hidden', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, LIVE)
  const { page } = await openDashboard(browser, app.opsUrl)
  const hide = (isHidden: boolean): string => `
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${isHidden} })
    document.dispatchEvent(new Event('visibilitychange'))`
  await page.evaluate(hide(true))
  await read(app, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
  await until(async () => /^All well/.test(await page.title()), 30_000)
  t.equal((await shown(page))['requests'], 0, 'but the title tells how it does')
  await page.evaluate(hide(false))
  await equalsMetrics(t, page, app)
  await page.close()
})

import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { hostname } from 'node:os'
import t from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { version } from '../../src/lib/package-file.ts'
import type { Point } from '../../src/ops/points.ts'
import type { Snapshot } from '../../src/ops/snapshot.ts'
import { buildTestApp } from '../helpers/app.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.test(
  'the page and all it needs come from here, under a policy that allows nothing else',
  async (t) => {
    const upstream = await startUpstream(t)
    const { opsUrl } = await buildTestApp(t, upstream.url)
    const page = await (await fetch(`${opsUrl}/dashboard`)).text()
    t.notMatch(
      page,
      /https?:\/\/(?!www\.w3\.org)|<script>|\sstyle=|\son[a-z]+=/,
      'nothing inline, nothing foreign',
    )
    const linked = [...page.matchAll(/(?:src|href)="(dashboard\/[^"]+)"/g)].map(
      ([, path = '']) => path,
    )
    t.ok(linked.length >= 4)
    for (const path of ['dashboard', ...linked, 'dashboard/verdict.js', 'dashboard/uplot.js']) {
      const reply = await fetch(`${opsUrl}/${path}`)
      t.equal(reply.status, 200, path)
      t.match(
        reply.headers.get('content-security-policy'),
        /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
      )
      t.equal(reply.headers.get('x-content-type-options'), 'nosniff')
      t.equal(reply.headers.get('referrer-policy'), 'no-referrer')
      const etag = reply.headers.get('etag') ?? ''
      const again = await fetch(`${opsUrl}/${path}`, { headers: { 'if-none-match': etag } })
      t.equal(again.status, path.endsWith('snapshot') ? 200 : 304)
    }
    t.match(
      (await fetch(`${opsUrl}/dashboard/dashboard.js`)).headers.get('content-type'),
      /^text\/javascript/,
    )
  },
)

t.test('no path leads out of the page’s own files', async (t) => {
  const upstream = await startUpstream(t)
  const { opsUrl } = await buildTestApp(t, upstream.url)
  for (const name of [
    '..%2f..%2fpackage.json',
    'package.json',
    'constructor',
    '%00',
    'snapshot.js',
    'index.html%2f',
  ]) {
    t.equal((await fetch(`${opsUrl}/dashboard/${name}`)).status, 404, name)
  }
  const slash = await fetch(`${opsUrl}/dashboard/`, { redirect: 'manual' })
  t.equal(slash.headers.get('location'), '../dashboard')
})

t.test('a snapshot has totals, and neither token nor customer', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/4711/', '/customers/4711/', '/customers/07']) await app.get(path)
  const reply = await fetch(`${app.opsUrl}/dashboard/snapshot`)
  t.equal(reply.headers.get('cache-control'), 'no-store')
  const text = await reply.text()
  const snapshot = JSON.parse(text) as Snapshot
  t.match(snapshot.requests, { total: 3, hits: { memory: 1, redis: 0 }, misses: { none: 1 } })
  t.match(snapshot.upstream, { calls: 1, saved: 1 })
  t.match(snapshot, { isReady: true, redis: null, breakers: { upstream: false } })
  t.match(snapshot.requests.byStatus, { '2xx': 2, '4xx': 1, '5xx': 0 })
  t.match(snapshot, { version: version(), host: hostname() })
  t.match(snapshot.tenants, [{ tenant: '7', hits: 1 }])
  t.match(snapshot.problems, [{ code: 'invalid_parameter', status: 400 }])
  t.notMatch(text, /token-one|4711|Plain/)
})

t.test('a page that is just opened shows what was before it', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {}, { clock: systemClock })
  const history = async (): Promise<Point[]> => {
    const reply = await fetch(`${app.opsUrl}/dashboard/history`)
    t.equal(reply.headers.get('cache-control'), 'no-store')
    t.match(reply.headers.get('content-security-policy'), /^default-src 'none';/)
    return ((await reply.json()) as { points: Point[] }).points
  }
  await until(async () => (await history()).length === 1)
  for (const path of ['/customers/4711/', '/customers/4711/', '/customers/07']) await app.get(path)
  const [point, ...more] = await history()
  t.equal(more.length, 0, 'asking often adds nothing')
  t.match(point?.values, { memoryShare: 0.5, redisShare: 0, serverErrorRate: 0 })
  t.ok((point?.values?.requestRate ?? 0) > 0)
  t.ok((point?.values?.clientErrorRate ?? 0) > 0)
})

t.test('listeners are bounded, and end with the instance without holding it up', async (t) => {
  const upstream = await startUpstream(t)
  const ended: Promise<unknown>[] = []
  await t.test('while it runs', async (t) => {
    const { opsUrl } = await buildTestApp(t, upstream.url)
    let oldest: IncomingMessage | undefined
    for (let i = 0; i < 32; i++) {
      const [response] = await once(get(`${opsUrl}/dashboard/events`), 'response')
      ended.push(once(response.resume(), 'end'))
      oldest ??= response
      if (i === 0)
        t.match(response.headers, { 'content-type': /^text\/event-stream/, connection: 'close' })
    }
    const [one] = await once(get(`${opsUrl}/dashboard/events`), 'response')
    ended.push(once(one.resume(), 'end'))
    t.equal(one.statusCode, 200)
    await until(() => oldest?.readableEnded === true)
    t.equal((await fetch(`${opsUrl}/dashboard/events`, { method: 'HEAD' })).status, 404)
  })
  await Promise.all(ended)
})

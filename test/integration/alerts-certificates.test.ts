/** The alert on certificates that expire, over what a Layby says of those that it uses. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { expectFiring, type Scrape, scrape } from '../helpers/alert-series.ts'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { type Certificate, makeCertificate } from '../helpers/certificates.ts'

t.setTimeout(600_000)

const DAY_SECONDS = 86_400
const seriesOf = (use: string): string =>
  `layby_certificate_expiry_timestamp_seconds{job="layby",instance="a",certificate="${use}"}`

/** An API that shows the certificate. */
async function startApi(t: Test, { key, cert }: Certificate): Promise<string> {
  const files = { key: readFileSync(key), cert: readFileSync(cert) }
  const server = createServer(files, (_req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end('{"id": 1, "parent_id": null}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Seconds that are left of a certificate when it is scraped. */
function secondsLeft({ values }: Scrape, use: string): number {
  return Math.round((values.get(seriesOf(use)) ?? Number.NaN) - Date.now() / 1000)
}

/** promtool begins in 1970: what is left then is what is left now. */
function firesFor(t: Test, left: number, use: string, alerts: readonly string[]): void {
  const up = { series: 'up{job="layby",instance="a"}', values: '1x60' }
  const series = [up, { series: seriesOf(use), values: `${left}x60` }]
  expectFiring(t, series, 9, [])
  expectFiring(t, series, 14, alerts)
}

async function using(t: Test, days: number): Promise<TestApp> {
  const certificate = makeCertificate(t, 'IP:127.0.0.1', days)
  const ca = certificate.cert
  const url = await startApi(t, certificate)
  return buildTestApp(t, url, { upstream: { ca }, redis: { ca } })
}

t.test('it fires for what the API shows and for authorities, two weeks ahead', async (t) => {
  for (const [days, alerts] of [
    [13, ['LaybyCertificateExpiring']],
    [15, []],
  ] as const) {
    const app = await using(t, days)
    const before = await scrape(app.opsUrl)
    t.notOk(before.values.has(seriesOf('upstream')), 'none was shown so far')
    t.notOk(before.values.has(seriesOf('server')), 'the listener has none')
    t.equal((await app.get('/customers/1')).status, 200)
    const found = await scrape(app.opsUrl)
    for (const use of ['upstream', 'upstream-ca', 'redis-ca']) {
      const left = secondsLeft(found, use)
      t.ok(Math.abs(left - days * DAY_SECONDS) < 600, `${use}: ${left} s`)
      firesFor(t, left, use, alerts)
    }
  }
})

t.test('it fires for the certificate of the public listener', async (t) => {
  const tls = makeCertificate(t, 'IP:127.0.0.1', 2)
  const app = await buildTestApp(t, 'http://127.0.0.1:9', { server: { tls } })
  const left = secondsLeft(await scrape(app.opsUrl), 'server')
  t.ok(Math.abs(left - 2 * DAY_SECONDS) < 600, `${left} s`)
  firesFor(t, left, 'server', ['LaybyCertificateExpiring'])
})

t.test('of a file with several certificates the first to expire counts', async (t) => {
  const [soon, late] = [makeCertificate(t, 'IP:127.0.0.1', 3), makeCertificate(t, 'IP:::1', 90)]
  writeFileSync(late.cert, readFileSync(late.cert, 'utf8') + readFileSync(soon.cert, 'utf8'))
  const app = await buildTestApp(t, 'http://127.0.0.1:9', { upstream: { ca: late.cert } })
  const left = secondsLeft(await scrape(app.opsUrl), 'upstream-ca')
  t.ok(Math.abs(left - 3 * DAY_SECONDS) < 600, `${left} s`)
})

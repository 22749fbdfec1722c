import t from 'tap'
import { seededRandom } from '../../../demo/data.ts'
import { planTraffic, startTraffic, TRAFFIC_TOKENS } from '../../../demo/traffic.ts'
import { startSampleUpstream } from '../../../demo/upstream.ts'
import type { Report } from '../../../src/cache/report.ts'
import { buildTestApp } from '../../helpers/app.ts'

t.test('the plan is the same for the same random numbers, and keeps its shares', (t) => {
  const one = planTraffic(seededRandom('a'))
  const other = planTraffic(seededRandom('a'))
  const calls = Array.from({ length: 10_000 }, () => one())
  t.strictSame(
    Array.from({ length: 10_000 }, () => other()),
    calls,
  )
  for (const [tenant, share] of Object.entries({ 7: 0.5, 9: 0.25, 12: 0.15, 21: 0.1 })) {
    const count = calls.filter((call) => call.tenant === tenant).length
    t.ok(Math.abs(count / calls.length - share) < 0.02, `tenant ${tenant}: ${count}`)
  }
  const tokens = new Set(calls.map(({ token }) => token))
  t.strictSame(tokens, new Set(TRAFFIC_TOKENS.map(({ token }) => token)))
  t.end()
})

t.test('one company names another version each time, the others never', (t) => {
  const next = planTraffic(seededRandom('a'))
  const last = new Map<string, string>()
  for (let i = 0; i < 1_000; i++) {
    const { tenant, token, version } = next()
    const before = last.get(token)
    if (before !== undefined) t.equal(before !== version, tenant === '12')
    last.set(token, version)
  }
  t.end()
})

t.test('the company that alternates misses at every read, and the answer says why', async (t) => {
  const upstream = await startSampleUpstream()
  t.teardown(() => upstream.close())
  for (const token of TRAFFIC_TOKENS) upstream.state.addToken(token)
  let finished = (_report: Report): void => {}
  const reports: Report[] = []
  const enough = new Promise<void>((resolve) => {
    finished = (report) => {
      reports.push(report)
      if (reports.length === 600) resolve()
    }
  })
  const ops = { adminToken: 'a-token-for-tests' }
  const app = await buildTestApp(
    t,
    upstream.url,
    { ops },
    { reporter: { finished: (r) => finished(r) } },
  )
  const traffic = startTraffic({ urls: [app.url], random: seededRandom('a'), perSecond: 1_000 })
  await enough
  await traffic.stop()
  const hitsOf = (tenant: string): number => {
    const reads = reports.filter((report) => report.tenant === tenant && report.method === 'GET')
    return reads.filter(({ outcome }) => outcome.kind === 'hit').length / reads.length
  }
  t.equal(hitsOf('12'), 0)
  t.ok(hitsOf('7') > 0.3, `${hitsOf('7')} of the reads of tenant 7 were hits`)
  t.ok(hitsOf('9') > hitsOf('21'))
  const told = await fetch(`${app.opsUrl}/admin/tenants`, {
    headers: { authorization: `Bearer ${ops.adminToken}` },
  })
  const { tenants } = (await told.json()) as {
    tenants: { tenant: string; misses: Record<string, number> }[]
  }
  const { misses = {} } = tenants.find(({ tenant }) => tenant === '12') ?? {}
  const [reason] = Object.entries(misses).sort(([, a], [, b]) => b - a)[0] ?? []
  t.equal(reason, 'version-pin', 'so `layby tenants` says')
  const faults = reports.filter(({ status }) => status !== 200)
  t.strictSame(faults, [], 'nothing is refused')
  const { length } = reports
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(reports.length, length, 'nothing is asked after the end')
})

import t from 'tap'
import { hit, type Outcome, outcome, REFUSED } from '../../../src/cache/outcome.ts'
import type { Report } from '../../../src/cache/report.ts'
import { RecentProblems } from '../../../src/ops/recent-problems.ts'
import { TenantTraffic } from '../../../src/ops/tenant-traffic.ts'
import { FakeClock } from '../../helpers/clock.ts'

const HIT = hit('memory', 1, 59)
const FILL = outcome('fill', { forward: 'uri-miss', stored: true, ttl: 60 })

function report(tenant: string | null, told: Outcome, more: Partial<Report> = {}): Report {
  return {
    outcome: told,
    status: 200,
    method: 'GET',
    route: 'customer',
    tenant,
    requestId: 'an-id',
    problem: null,
    durationMs: 1,
    traceId: null,
    ...more,
  }
}

t.test('a tenant is told with its hits, and its misses by reason', (t) => {
  const traffic = new TenantTraffic()
  const told = [
    HIT,
    HIT,
    FILL,
    outcome('fill', { forward: 'stale', forwardStatus: 200, stored: true, ttl: 60 }),
    outcome('fill', { forward: 'uri-miss', detail: 'reject.no-store' }),
    outcome('follower', { forward: 'uri-miss', collapsed: true, detail: 'follower' }),
    outcome('bypass', { forward: 'bypass', detail: 'query' }),
    outcome('failed', { forward: 'uri-miss' }),
    outcome('failed', { forward: 'uri-miss', detail: 'breaker' }),
    outcome('failed', { forward: 'bypass', detail: 'query' }),
    outcome('not-cached', {}),
    // These are no reads of the cache, and so neither hits nor misses.
    outcome('pass-through', { forward: 'method' }),
    outcome('pass-through', { forward: 'bypass' }),
    outcome('failed', { forward: 'method' }),
    outcome('failed', { forward: 'bypass' }),
  ]
  for (const each of told) traffic.finished(report('7', each))
  traffic.finished(report('8', HIT))
  traffic.finished(report(null, REFUSED))
  t.strictSame(traffic.top(5), [
    {
      tenant: '7',
      requests: told.length,
      hits: 2,
      limited: 0,
      failed: 0,
      misses: {
        'uri-miss': 1,
        stale: 1,
        'reject.no-store': 1,
        follower: 1,
        query: 2,
        failed: 1,
        breaker: 1,
        'not-cached': 1,
      },
    },
    { tenant: '8', requests: 1, hits: 1, limited: 0, failed: 0, misses: {} },
  ])
  t.strictSame(traffic.top(1).length, 1)
  t.end()
})

t.test('tenants that come once push out no tenant that comes often, and take no space', (t) => {
  const capacity = 64
  const traffic = new TenantTraffic(capacity)
  const expected = new Map<string, number>()
  const ask = (tenant: string): void => {
    traffic.finished(report(tenant, FILL))
    expected.set(tenant, (expected.get(tenant) ?? 0) + 1)
  }
  for (let i = 0; i < 10_000; i++) {
    ask(`passing-${i}`)
    // Each comes more often than once in `capacity` requests.
    if (i % 5 === 0) ask('often')
    if (i % 10 === 0) ask('at-times')
  }
  const top = traffic.top(Infinity)
  t.equal(top.length, capacity)
  t.strictSame(
    top.slice(0, 2).map(({ tenant }) => tenant),
    ['often', 'at-times'],
  )
  for (const { tenant, requests } of top) {
    const really = expected.get(tenant) ?? 0
    t.ok(requests <= really, `${tenant}: ${requests} are told, ${really} there were`)
  }
  t.ok((top[0]?.requests ?? 0) > 2000 - 160, 'nearly all of what there was')
  t.end()
})

t.test('a tenant that becomes busy late finds its place among those who were so before', (t) => {
  const traffic = new TenantTraffic(4)
  const ask = (tenant: string): void => traffic.finished(report(tenant, FILL))
  for (let i = 0; i < 100; i++) for (const early of ['a', 'b', 'c']) ask(early)
  for (let i = 0; i < 2_000; i++) for (const each of ['late', `x-${i}`, `y-${i}`]) ask(each)
  t.equal(traffic.top(1)[0]?.tenant, 'late')
  t.ok((traffic.top(1)[0]?.requests ?? 0) > 1_000)
  t.end()
})

t.test('problems are told newest first, with what finds them in the log', (t) => {
  const clock = new FakeClock()
  const problems = new RecentProblems(clock)
  const told = (code: string | null, status: number, requestId: string): void => {
    clock.advance(1)
    problems.finished(report('7', REFUSED, { problem: code, status, requestId }))
  }
  told('invalid_header', 400, 'first')
  told(null, 200, 'fine')
  told(null, 404, 'the upstream says no, which is an answer')
  told(null, 503, 'the upstream fails')
  told('upstream_timeout', 504, 'last')
  t.match(problems.list(), [
    { at: clock.wall(), code: 'upstream_timeout', status: 504, tenant: '7', requestId: 'last' },
    { at: clock.wall() - 1, code: 'upstream_status', status: 503, requestId: 'the upstream fails' },
    { at: clock.wall() - 4, code: 'invalid_header', status: 400, tenant: '7', requestId: 'first' },
  ])
  t.end()
})

t.test('a flood of one problem hides no other', (t) => {
  const clock = new FakeClock()
  const problems = new RecentProblems(clock)
  problems.finished(report('7', REFUSED, { problem: 'upstream_timeout', status: 504 }))
  for (let i = 0; i < 10_000; i++) {
    clock.advance(1)
    problems.finished(report(null, REFUSED, { problem: 'invalid_header', requestId: String(i) }))
  }
  const list = problems.list()
  t.match(list[0], { requestId: '9999', count: 10_000, tenants: [] })
  t.equal(list.length, 2)
  t.equal(list.at(-1)?.code, 'upstream_timeout')
  t.end()
})

t.test('problems are one where code, status, method, path and cause are equal', (t) => {
  const clock = new FakeClock()
  const problems = new RecentProblems(clock)
  const unreachable = (tenant: string, more: Partial<Report> = {}): void => {
    clock.advance(1)
    const problem = { problem: 'upstream_unreachable', status: 502, cause: 'refused' } as const
    problems.finished(report(tenant, outcome('failed', {}), { ...problem, ...more }))
  }
  for (const tenant of ['1', '2', '3', '4', '5', '4']) unreachable(tenant)
  t.match(problems.list(), [
    { count: 6, method: 'GET', path: '/customers/{customer_id}', cause: 'refused', tenant: '4' },
  ])
  t.strictSame(problems.list()[0]?.tenants, ['4', '5', '3', '2'], 'some of them, the last first')
  unreachable('1', { cause: 'dns' })
  unreachable('1', { method: 'PATCH', route: 'W6' })
  unreachable('1', { route: null })
  unreachable('1', { status: 504 })
  unreachable('1', { cause: null, outcome: outcome('failed', { detail: 'breaker' }) })
  t.strictSame(
    problems.list().map(({ method, path, cause, count }) => [method, path, cause, count]),
    [
      ['GET', '/customers/{customer_id}', 'breaker', 1],
      ['GET', '/customers/{customer_id}', 'refused', 1],
      ['GET', null, 'refused', 1],
      ['PATCH', '/customers/{customer_id}/contacts/{contact_id}', 'refused', 1],
      ['GET', '/customers/{customer_id}', 'dns', 1],
      ['GET', '/customers/{customer_id}', 'refused', 6],
    ],
  )
  t.end()
})

t.test('a tenant has the count of what failed', (t) => {
  const traffic = new TenantTraffic()
  for (const status of [200, 502, 503, 404]) traffic.finished(report('7', FILL, { status }))
  t.match(traffic.top(1), [{ requests: 4, failed: 2 }])
  t.end()
})

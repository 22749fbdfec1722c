/** What is logged of requests and of the process's state, at which level, under which names. */
import t, { type Test } from 'tap'
import { type Outcome, outcome } from '../../../src/cache/outcome.ts'
import type { Report } from '../../../src/cache/report.ts'
import { createLogger, type LogLevel } from '../../../src/lib/logger.ts'
import { AccessLog } from '../../../src/ops/access-log.ts'

type Line = Record<string, unknown>

function start(level: LogLevel = 'trace'): { readonly log: AccessLog; readonly lines: Line[] } {
  const lines: Line[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line)
  return { log: new AccessLog(createLogger(level, { write }), 1_000), lines }
}

const HIT = outcome('hit', { tier: 'memory', detail: 'memory', age: 3, ttl: 297 })
const WRITE = outcome('pass-through', { forward: 'method' })

function report(told: Outcome, more: Partial<Report> = {}): Report {
  return {
    outcome: told,
    status: 200,
    method: 'GET',
    route: 'customer',
    tenant: '7',
    requestId: 'id',
    traceId: null,
    problem: null,
    durationMs: 1.5,
    ...more,
  }
}

const LEVELS: readonly [title: string, report: Report, level: string][] = [
  ['a hit', report(HIT), 'debug'],
  ['a fill', report(outcome('fill', { forward: 'uri-miss' })), 'debug'],
  ['as slow as allowed', report(HIT, { durationMs: 1_000 }), 'debug'],
  ['slower', report(HIT, { durationMs: 1_000.1 }), 'info'],
  ['a write', report(WRITE, { method: 'PATCH' }), 'info'],
  ['an error of the client', report(HIT, { status: 404 }), 'info'],
  ['an error of the upstream', report(HIT, { status: 503 }), 'info'],
]

for (const [title, told, level] of LEVELS) {
  t.test(`${title} is one line at ${level}`, async (t) => {
    const { log, lines } = start()
    log.finished(told)
    t.same(
      lines.map((line) => line['log.level']),
      [level],
    )
    const atInfo = start('info')
    atInfo.log.finished(told)
    t.equal(atInfo.lines.length, level === 'info' ? 1 : 0)
  })
}

t.test('names are those of the Elastic Common Schema where it has one', async (t) => {
  const { log, lines } = start()
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  log.finished(report(HIT, { traceId, durationMs: 2_000.5 }))
  const { '@timestamp': at, ...line } = lines[0] as Line
  t.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.strictSame(line, {
    'log.level': 'info',
    'ecs.version': '8.17.0',
    'service.name': 'layby',
    'http.request.id': 'id',
    'trace.id': traceId,
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'event.duration': 2_000_500_000,
    'event.outcome': 'success',
    slow: true,
    tenant: '7',
    route: 'customer',
    outcome: 'hit',
    tier: 'memory',
    reason: 'memory',
    age: 3,
    leader_request_id: null,
    message: 'request',
  })
  log.finished(report(HIT, { status: 502 }))
  t.match(lines[1], { 'event.outcome': 'failure' })
  t.notOk('trace.id' in (lines[1] as Line), 'left out where no trace is known')
})

function levelsOf(t: Test, change: (log: AccessLog, isWorse: boolean) => void): void {
  const { log, lines } = start()
  change(log, true)
  change(log, false)
  t.same(
    lines.map((line) => line['log.level']),
    ['warn', 'info'],
  )
}

t.test('what gets worse is a warning, and its end is told', async (t) => {
  levelsOf(t, (log, isWorse) => log.redisChanged(!isWorse))
  levelsOf(t, (log, isWorse) => log.busChanged(!isWorse))
  levelsOf(t, (log, isWorse) => log.breakerChanged(isWorse))
  levelsOf(t, (log, isWorse) => log.pressureChanged(isWorse))
  levelsOf(t, (log, isWorse) => log.queueChanged(isWorse))
  levelsOf(t, (log, isWorse) => log.traceExportChanged(isWorse))
})

t.test('each fault of Redis is said once, until it was usable again', async (t) => {
  const { log, lines } = start()
  for (const code of ['ETIMEDOUT', 'ECONNREFUSED', 'ETIMEDOUT', 'ECONNREFUSED']) {
    log.redisFailed(code)
  }
  t.same(
    lines.map((line) => line['error.code']),
    ['ETIMEDOUT', 'ECONNREFUSED'],
  )
  log.redisChanged(true)
  log.redisFailed('ETIMEDOUT')
  t.equal(lines.length, 4)
})

/** What the primary asks of its workers, and makes of their answers. */
import t from 'tap'
import type { ProcessMetrics } from '../../../src/ops/merged-metrics.ts'
import type { CarriedRequest } from '../../../src/ops/primary-server.ts'
import type { Question } from '../../../src/processes/messages.ts'
import { Overview } from '../../../src/processes/overview.ts'
import { FakeClock } from '../../helpers/clock.ts'

const request = (method: string, url: string, body: string | null = null): CarriedRequest => ({
  method,
  url,
  headers: {},
  body,
})

function workers(answers: Record<number, (question: Question) => unknown>) {
  const asked: [id: number, question: Question][] = []
  return {
    asked,
    listening: Object.keys(answers).map(Number),
    ask: async (id: number, question: Question) => {
      asked.push([id, question])
      return answers[id]?.(question) ?? null
    },
  }
}

const reply =
  (status: number, body = '{}') =>
  () => ({ status, headers: {}, body })

t.test('what is set is set in all, and told to whoever starts later', async (t) => {
  const herd = workers({ 1: reply(202), 2: reply(202) })
  const overview = new Overview(herd, new FakeClock())
  await overview.carry(request('PUT', '/admin/tenants/7', '{"cache": "off"}'))
  await overview.carry(request('PUT', '/admin/tenants/8', '{"cache": "off"}'))
  await overview.carry(request('PUT', '/admin/tenants/7', '{"cache": "on"}'))
  t.strictSame(
    herd.asked.map(([id]) => id),
    [1, 2, 1, 2, 1, 2],
  )
  herd.asked.splice(0)
  overview.started(3)
  t.strictSame(
    herd.asked.map(([id, question]) => [id, question.about === 'request' && question.request.body]),
    [
      [3, '{"cache": "off"}'],
      [3, '{"cache": "on"}'],
    ],
    'the last of each',
  )
})

t.test('what was refused is not set anywhere', async (t) => {
  const herd = workers({ 1: reply(401) })
  const overview = new Overview(herd, new FakeClock())
  t.equal((await overview.carry(request('PUT', '/admin/tenants/7')))?.status, 401)
  herd.asked.splice(0)
  overview.started(2)
  t.strictSame(herd.asked, [])
})

t.test('anything else is answered by one of them; by none, if there is none', async (t) => {
  const herd = workers({ 1: reply(202), 2: reply(202) })
  t.equal(
    (await new Overview(herd, new FakeClock()).carry(request('POST', '/admin/purge')))?.status,
    202,
  )
  t.equal(herd.asked.length, 1)
  t.equal(await new Overview(workers({}), new FakeClock()).carry(request('GET', '/x')), null)
})

t.test('tenants are those of all, as many as each was asked for', async (t) => {
  const one = (tenant: string, requests: number) => ({
    tenant,
    requests,
    hits: 0,
    limited: 0,
    failed: 0,
    misses: {},
  })
  const herd = workers({
    1: reply(200, JSON.stringify({ tenants: [one('7', 5), one('8', 4)] })),
    2: reply(200, JSON.stringify({ tenants: [one('8', 4), one('9', 1)] })),
    3: () => null,
  })
  const told = await new Overview(herd, new FakeClock()).carry(
    request('GET', '/admin/tenants?top=2'),
  )
  t.strictSame(JSON.parse(told?.body ?? ''), { tenants: [one('8', 8), one('7', 5)] })
})

t.test('a worker that does not answer counts with what it last said', async (t) => {
  let isSilent = false
  const metric = {
    name: 'layby_requests_total',
    help: 'x',
    type: 'counter',
    values: [{ value: 3, labels: {} }],
    aggregator: 'sum',
  }
  const herd = workers({ 1: () => (isSilent ? null : [metric]), 2: () => [metric] })
  const overview = new Overview(herd, new FakeClock())
  t.equal(figureOf(await overview.metrics(), 'layby_requests_total'), 6)
  isSilent = true
  t.equal(figureOf(await overview.metrics(), 'layby_requests_total'), 6)
  overview.ended(1, true)
  herd.listening = [2]
  const after = await overview.metrics()
  t.equal(figureOf(after, 'layby_requests_total'), 6)
  t.equal(figureOf(after, 'layby_worker_restarts_total'), 1)
  t.equal(figureOf(after, 'layby_workers_listening'), 1)
})

/** Of a metric with one series. */
function figureOf(metrics: ProcessMetrics, name: string): number | undefined {
  return metrics.find((metric) => metric.name === name)?.values[0]?.value
}

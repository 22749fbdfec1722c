/** Reliability S15: nothing that a client sends, and no status that the upstream answers, makes series without end. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const MAX_SERIES = 500
const MANY = 10_000
const AT_ONCE = 64

/** Calls `ask` for each number below `count`, some at a time. */
async function each(count: number, ask: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < count) await ask(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

t.test(
  '10,000 tenants, 10,000 paths, 1,000 methods and versions leave 500 series at most',
  async (t) => {
    await untracked(t)
    const upstream = await startUpstream(t, (received, res) => {
      const id = Number(/\/customers\/(\d+)/.exec(received.url)?.[1] ?? 0)
      // Any status of a final answer that may have a body.
      const status = 200 + (id % 400)
      const hasBody = status !== 204 && status !== 205 && status !== 304
      sendJson(res, received, { id, parent_id: null }, {}, hasBody ? status : 200)
    })
    const app = await buildTestApp(t, upstream.url)
    await each(MANY, (i) => app.get('/customers/1/', { headers: { 'x-tenant-id': String(i + 1) } }))
    await each(MANY, (i) => app.get(`/customers/${i}/`))
    await each(1_000, (i) => app.get(`/things-${i}`))
    await each(1_000, (i) => {
      return app.get('/customers/1/', {
        headers: { 'x-api-version': `20${i % 90}/0${i % 9}/1${i}` },
      })
    })
    await each(1_000, (i) => app.get('/customers/2/', { headers: { 'x-request-id': `id-${i}` } }))
    await each(1_000, (i) => {
      return exchange(app.url, `METHOD-${i} /customers/1/ HTTP/1.1\r\nHost: x\r\n\r\n`)
    })
    for (const accept of ['text/plain', 'application/openmetrics-text']) {
      const text = await (await fetch(`${app.opsUrl}/metrics`, { headers: { accept } })).text()
      const series = text.split('\n').filter((line) => /^[a-z]/.test(line))
      t.ok(series.length <= MAX_SERIES, `${series.length} series`)
      t.match(
        text,
        /^layby_requests_total\{outcome="other"/m,
        'what is beyond the bound is counted together',
      )
      t.equal(text.match(/^layby_tenant_top_requests\{tenant_rank="\d+"\}/gm)?.length, 10)
      t.equal(text.match(/^layby_tenant_memory_bytes\{tenant_rank="\d+"\}/gm)?.length, 10)
      const counted = [...text.matchAll(/^layby_requests_total\{.*\} (\d+)$/gm)]
      const sum = counted.reduce((total, [, count]) => total + Number(count), 0)
      t.equal(sum, app.reports.length, 'and nothing is left out')
    }
    t.ok(app.reports.length >= 2 * MANY + 4_000)
  },
)

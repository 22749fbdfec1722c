/**
 * Pairs of a write and a read through one instance: the read is never older (reliability C1). `PAIRS` sets how many;
 * 100,000 for a release.
 */
import t from 'tap'
import { createLogger } from '../../src/lib/logger.ts'
import { buildTestApp } from '../helpers/app.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const PAIRS = Number(process.env['PAIRS'] ?? 30_000)
const WRITERS = 32
const CUSTOMERS = 40

t.setTimeout(900_000)
t.test(`${PAIRS} writes are each seen by the next read`, async (t) => {
  await untracked(t)
  /** A register for each customer. Answers are delayed by turns of the event loop, not by time. */
  const registers = new Map<string, number>()
  const later = (turns: number, work: () => void): void => {
    if (turns === 0) work()
    else setImmediate(() => later(turns - 1, work))
  }
  const upstream = await startUpstream(t, (received, res, n) => {
    const id = /[0-9]+/.exec(received.url)?.[0] ?? ''
    if (received.method === 'PATCH') {
      const { value } = JSON.parse(received.body) as { value: number }
      later(n % 4, () => {
        registers.set(id, Math.max(registers.get(id) ?? 0, value))
        later(n % 3, () => sendJson(res, received, `{"id": ${id}, "parent_id": null}`))
      })
      return
    }
    const body = `{"id": ${id}, "parent_id": null, "value": ${registers.get(id) ?? 0}}`
    later(n % 5, () => sendJson(res, received, body))
  })
  const app = await buildTestApp(t, upstream.url, {}, { log: createLogger('silent') })
  let next = 0
  let older = 0
  let hits = 0
  const read = async (id: number, writer: number): Promise<number> => {
    const authorization = `Bearer writer-${writer % 4}.token`
    const reply = await app.get(`/customers/${id}`, { headers: { authorization } })
    if (/ hit/.test(String(reply.headers['cache-status']))) hits++
    return (JSON.parse(reply.body) as { value: number }).value
  }
  const work = async (writer: number): Promise<void> => {
    for (let value = ++next; value <= PAIRS; value = ++next) {
      if (value % 1_000 === 0) {
        app.forget()
        upstream.forget()
      }
      const id = 1 + (value % CUSTOMERS)
      const reply = await app.get(`/customers/${id}`, {
        method: 'PATCH',
        headers: { authorization: 'Bearer writer.token', 'content-type': 'application/json' },
        body: JSON.stringify({ value }),
      })
      if (reply.status !== 200) throw new Error(`a write was answered with ${reply.status}`)
      if ((await read(id, writer)) < value) older++
      if (value % 3 === 0 && (await read(id, writer)) < value) older++
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)))
  t.equal(older, 0)
  t.ok(hits > PAIRS / 100, 'some of the reads came from the cache')
  t.comment(`${hits} hits`)
})

/**
 * A fault of our own while the API is asked: 500, in the log, and never held against the API, whose breaker stays shut
 * and whose copies are not served for it. What the API or the client does is no fault of our own.
 */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { FakeClock } from '../helpers/clock.ts'
import { openConnection } from '../helpers/raw-socket.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

/** A slip in what counts down the time of an answer, as a call begins or as its answer comes in. */
class FaultyClock extends FakeClock {
  /** Part of the stack in which it fails; null: it does not. */
  failsIn: string | null = null

  override monotonic(): number {
    const { failsIn } = this
    if (failsIn !== null && new Error('where').stack?.includes(failsIn)) {
      throw new TypeError('zqcanaryqz')
    }
    return super.monotonic()
  }
}

/** Before anything is sent, and in a callback within the answer. */
const PLACES = ['new AnswerDeadlines', 'AnswerDeadlines.streams', 'Reception.onResponseEnd']

interface Started {
  readonly app: TestApp
  readonly clock: FaultyClock
  readonly upstream: ScriptedUpstream
}

async function start(t: Test, staleIfErrorMs = 0): Promise<Started> {
  const long = JSON.stringify('x'.repeat(100_000))
  const upstream = await startUpstream(t, (received, res) => {
    const id = /[0-9]+$/.exec(received.url)?.[0] ?? '0'
    if (received.url.startsWith('/long')) sendJson(res, received, long)
    else sendJson(res, received, `{"id":${id},"parent_id":null}`)
  })
  const clock = new FaultyClock()
  const values = { cache: { staleIfErrorMs, ttlMs: 1_000 } }
  const app = await buildTestApp(t, upstream.url, values, { clock })
  return { app, clock, upstream }
}

async function failing<T>(clock: FaultyClock, place: string, work: () => Promise<T>): Promise<T> {
  clock.failsIn = place
  try {
    return await work()
  } finally {
    clock.failsIn = null
  }
}

t.test(
  'a read that meets a fault of our own is 500, and the API is not blamed for it',
  async (t) => {
    const { app, clock } = await start(t)
    for (let i = 1; i <= 15; i++) {
      const reply = await failing(clock, 'new AnswerDeadlines', () => app.get(`/customers/${i}`))
      t.equal(reply.status, 500)
      t.match(JSON.parse(reply.body), { code: 'internal_error' })
    }
    t.match(app.logged(), /"error\.type":"TypeError".*internal error/)
    t.notMatch(app.logged(), /zqcanaryqz/)
    t.notMatch(app.logged(), /the upstream fails/)
    for (let i = 1; i <= 15; i++) t.equal((await app.get(`/customers/${i}`)).status, 200)
    t.match(
      (await app.get('/customers/1')).headers['cache-status'],
      /; hit/,
      'nothing is left of it',
    )
  },
)

t.test(
  'what was fresh is not served stale for a fault of our own, and is for one of the API',
  async (t) => {
    const { app, clock, upstream } = await start(t, 60_000)
    t.equal((await app.get('/customers/1')).status, 200)
    clock.advance(2_000)
    const faulty = await failing(clock, 'new AnswerDeadlines', () => app.get('/customers/1'))
    t.equal(faulty.status, 500)
    upstream.answer((_received, res) => res.destroy())
    const stale = await app.get('/customers/1')
    t.equal(stale.status, 200)
    t.match(stale.headers['cache-status'], /fwd=stale|detail=stale-if-error|; hit; ttl=-/)
  },
)

t.test(
  'what passes through and meets a fault of our own is 500, and a write is settled',
  async (t) => {
    const { app, clock } = await start(t)
    const write = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
    for (const [path, ask] of [
      ['/things', {}],
      ['/customers/1?a=b', {}],
      ['/customers/1', write],
      ['/things', { ...write, method: 'POST' }],
    ] as const) {
      const reply = await failing(clock, 'new AnswerDeadlines', () => app.get(path, ask))
      t.equal(reply.status, 500, path)
      t.equal(app.reports.at(-1)?.problem, 'internal_error')
    }
    t.equal(app.logged().split('internal error').length - 1, 4)
    for (let i = 0; i < 2; i++) t.equal((await app.get('/customers/1')).status, 200)
    t.match((await app.get('/customers/1')).headers['cache-status'], /; hit/)
  },
)

t.test('a fault of our own in a callback is one too', async (t) => {
  for (const place of PLACES) {
    const { app, clock } = await start(t)
    const path = place === 'AnswerDeadlines.streams' ? '/long' : '/customers/1'
    const reply = await failing(clock, place, () => app.get(path))
    t.equal(reply.status, 500, place)
    t.match(app.logged(), /"error\.type":"TypeError".*internal error/, place)
    t.equal((await app.get(path)).status, 200)
  }
})

t.test('that a client breaks off its content is neither the API’s fault nor ours', async (t) => {
  const { app } = await start(t)
  const client = openConnection(t, app.url)
  const head = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
  client.write(
    `POST /things HTTP/1.1\r\nHost: a\r\n${head.join('')}Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
  )
  // Its content is waited for.
  await client.until((text) => text.includes('100 Continue'))
  client.write('{"a":')
  client.socket.resetAndDestroy()
  while (app.reports.length === 0) await new Promise((done) => setTimeout(done, 5))
  // The parser takes a reset that is read together with bytes before it for an end, and says that it comes too early.
  t.match(app.reports[0]?.problem, /^(client_gone|malformed_request)$/)
  t.notMatch(app.logged(), /internal error/)
})

/** An instance that is short of time refuses what costs it more, and goes on with what costs nothing. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildTestApp, type Reply } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

/**
 * Keeps the event loop busy for `turnMs` a turn until the returned function is called or the test ends. By
 * immediates: a timer that is due again when it returns would keep libuv in its timers, and nothing be read.
 */
function block(t: Test, turnMs: number): () => Promise<void> {
  let isBlocking = true
  const turns = (async () => {
    while (isBlocking) {
      const end = performance.now() + turnMs
      while (performance.now() < end);
      await nextTurn()
    }
  })()
  const stop = (): Promise<void> => {
    isBlocking = false
    return turns
  }
  t.teardown(stop)
  return stop
}

/** Asks until the answer has that status, for a generous minute at most; the last answer. */
async function askUntil(status: number, ask: () => Promise<Reply>): Promise<Reply> {
  const deadline = performance.now() + 60_000
  let answer = await ask()
  while (answer.status !== status && performance.now() < deadline) {
    await delay(10)
    answer = await ask()
  }
  return answer
}

// Turns shorter and longer than the quarter of a second over which the delay is taken.
for (const turnMs of [150, 400])
  t.test(
    `while each turn of the event loop takes ${turnMs} ms, hits are served and the rest is shed`,
    async (t) => {
      const upstream = await startUpstream(t)
      const app = await buildTestApp(t, upstream.url, { server: { maxEventLoopDelayMs: 50 } })
      t.equal((await askUntil(200, () => app.get('/customers/1'))).status, 200)
      const unblock = block(t, turnMs)
      const shed = await askUntil(503, () =>
        app.get('/customers/2', { headers: { 'cache-control': 'no-store' } }),
      )
      t.equal(shed.status, 503)
      t.match(shed.headers['retry-after'], /^[1-3]$/)
      t.equal((JSON.parse(shed.body) as { code: string }).code, 'overloaded')
      const calls = upstream.requests.length
      t.match((await app.get('/customers/1')).headers['cache-status'], /; hit;/)
      t.equal((await app.get('/things')).status, 503)
      t.equal((await app.get('/customers/3')).status, 503)
      t.equal(upstream.requests.length, calls)
      await unblock()
      t.equal(
        (await askUntil(200, () => app.get('/customers/3'))).status,
        200,
        'and takes it up again',
      )
      const begun = app.logged().match(/short of time or memory/g)?.length
      const ended = app.logged().match(/answered again/g)?.length
      t.ok((begun ?? 0) >= 1)
      t.equal(ended, begun, 'said when it begins, and when it ends')
    },
  )

/** An instance that is short of time refuses what costs it more, and goes on with what costs nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.test('while the event loop lags, hits are served and the rest is shed', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { maxEventLoopDelayMs: 50 } })
  t.equal((await app.get('/customers/1')).status, 200)
  let isBlocking = true
  const block = async (): Promise<void> => {
    while (isBlocking) {
      const end = performance.now() + 150
      while (performance.now() < end);
      await delay(1)
    }
  }
  const blocking = block()
  let shed = await app.get('/customers/2')
  while (shed.status === 200)
    shed = await app.get('/customers/2', { headers: { 'cache-control': 'no-store' } })
  t.equal(shed.status, 503)
  t.match(shed.headers['retry-after'], /^[1-3]$/)
  t.equal((JSON.parse(shed.body) as { code: string }).code, 'overloaded')
  const calls = upstream.requests.length
  t.match((await app.get('/customers/1')).headers['cache-status'], /; hit;/)
  t.equal((await app.get('/things')).status, 503)
  t.equal((await app.get('/customers/3')).status, 503)
  t.equal(upstream.requests.length, calls)
  isBlocking = false
  await blocking
  let back = await app.get('/customers/3')
  while (back.status !== 200) {
    await delay(50)
    back = await app.get('/customers/3')
  }
  t.pass('and takes it up again')
})

/** Of a credential that the API has not accepted nothing outlives the exchange: in Redis, in memory, in the pins. */
import t from 'tap'
import { VersionPins } from '../../src/auth/version-pins.ts'
import { buildTestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { type Received, sendJson, startUpstream } from '../helpers/upstream.ts'

const REFUSALS = [401, 403, 404, 500, 302]
const CUSTOMER = '{"id": 1, "parent_id": null}'

/** Accepts one token, and answers all others with the status that stands in their text. */
function answer(res: Parameters<typeof sendJson>[0], received: Received): void {
  const status = /stranger-\d+\.(\d{3})/.exec(String(received.headers['authorization']))?.[1]
  if (status === undefined) sendJson(res, received, CUSTOMER)
  else sendJson(res, received, '{"detail": "no"}', {}, Number(status))
}

const stranger = (i: number, status: number) => ({
  authorization: `Bearer stranger-${i}.${status}`,
  'x-tenant-id': String(1 + (i % 3) * 100),
})

t.test('in Redis nothing is left of credentials that the API refuses', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, (received, res) => answer(res, received))
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a, b] = await startInstances(t, 2, upstream.url, patient)
  const keys = async (): Promise<string[]> => (await redis.cli('KEYS', '*')).split('\n').sort()
  await a?.get('/customers/1')
  await until(async () => (await b?.get('/customers/1'))?.headers['age'] !== undefined)
  const before = await keys()
  for (const status of REFUSALS) {
    for (let i = 0; i < 20; i++) {
      const instance = i % 2 === 0 ? a : b
      const reply = await instance?.get(`/customers/${i + 1}0`, { headers: stranger(i, status) })
      t.equal(reply?.status, status)
      await instance?.get(`/customers/${i + 1}0/contacts`, {
        method: 'POST',
        headers: { ...stranger(i, 401), 'content-type': 'application/json' },
        body: '{}',
      })
    }
  }
  await until(async () => (await keys()).length <= before.length)
  t.strictSame(await keys(), before)
  t.match((await a?.get('/customers/1'))?.headers['cache-status'], /hit/)
})

t.test('a refused read takes no fence from an accepted one beside it', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, (received, res) => answer(res, received))
  const patient = { url: redis.url, commandTimeoutMs: 2_000 }
  const [a] = await startInstances(t, 1, upstream.url, patient)
  await a?.get('/customers/1')
  for (let i = 2; i < 12; i++) {
    upstream.hold()
    const good = a?.get(`/customers/${i}`)
    await upstream.received(2 * i - 2)
    const bad = a?.get(`/customers/${i}`, {
      headers: { authorization: `Bearer stranger-${i}.401` },
    })
    await upstream.received(2 * i - 1)
    upstream.release()
    t.equal((await bad)?.status, 401)
    t.match((await good)?.headers['cache-status'], /stored/)
    t.match((await a?.get(`/customers/${i}`))?.headers['cache-status'], /hit/)
  }
})

t.test('in memory nothing is left of credentials that the API refuses', async (t) => {
  const upstream = await startUpstream(t, (received, res) => answer(res, received))
  const app = await buildTestApp(t, upstream.url)
  await app.get('/customers/1')
  const entries = await gauge(app, 'layby_memory_entries')
  for (const status of REFUSALS) {
    for (let i = 0; i < 20; i++) {
      await app.get(`/customers/${i + 1}0`, { headers: stranger(i, status) })
    }
  }
  t.equal(await gauge(app, 'layby_memory_entries'), entries)
  t.match((await app.get('/customers/1')).headers['cache-status'], /hit/)
})

t.test('100,000 made-up credentials push no version pin out', (t) => {
  const kept: string[] = []
  const pins = new VersionPins(
    1_000,
    (partition, _, isKept) => void (isKept && kept.push(partition)),
  )
  pins.end(pins.begin('known', 'v1'), 'v1', true)
  for (let i = 0; i < 100_000; i++) pins.end(pins.begin(`made-up ${i}`, 'v1'), 'v1', false)
  t.equal(pins.current('known', 'v1'), 'v1')
  t.strictSame(kept, ['known'], 'nor are other instances to keep theirs')
  pins.end(pins.begin('known', 'v1'), 'v2', false)
  t.equal(
    pins.current('known', null),
    'v2',
    'one that was accepted before keeps what is learnt later',
  )
  t.end()
})

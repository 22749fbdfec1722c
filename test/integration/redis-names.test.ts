/** What the names in Redis tell, and what becomes of instances that have different ones. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { sealBytes } from '../../src/cache/frame.ts'
import {
  encodeParts,
  familyFence,
  kinFence,
  subjectFence,
  tenantFence,
} from '../../src/cache/key.ts'
import { deriveKey } from '../../src/lib/derive-key.ts'
import { type Envelope, MAX_MESSAGE_BYTES, openEnvelope } from '../../src/stores/bus-envelope.ts'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import type { TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { monitorRedis } from '../helpers/redis-monitor.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const SECRET = 'a secret for tests only, 32 long and more'
const NAME_SECRET = 'a secret for names only, 32 long and more'
const CHANNEL = 'layby:bus:0'
const SEALING_KEY = deriveKey(SECRET, 'bus')
const status = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

interface Names {
  readonly text: string
  readonly epoch: string
}

/** All that an instance writes: reads, a write, a switch, a pin, a fill lock. */
async function namesOf(t: Test, nameSecret: string | null): Promise<Names> {
  const redis = await startRedis(t)
  const monitor = await monitorRedis(t, redis.port)
  const upstream = await startUpstream(t, (received, res) => {
    sendJson(res, received, '{"id": 31, "parent_id": 12}')
  })
  const values = { ops: { adminToken: ADMIN_TOKEN } }
  const settings = { url: redis.url, nameSecret, commandTimeoutMs: 2_000 }
  const [app] = (await startInstances(t, 1, upstream.url, settings, values)) as [TestApp]
  const headers = { 'x-tenant-id': '7', 'content-type': 'application/json' }
  t.match(status(await app.get('/customers/31', { headers })), /stored/)
  await app.get('/customers/31', { method: 'PATCH', headers, body: '{"parent_id": 12}' })
  await app.get('/customers/31', { headers })
  await callAdmin(app, 'PUT', '/tenants/7', { cache: 'off' })
  await until(async () => (await redis.cli('EXISTS', 'layby:off')) === '1')
  t.ok(monitor.names().length > 8, 'names were seen')
  const epoch = /^e\.(.+)$/m.exec(await redis.cli('HVALS', 'layby:instances'))?.[1] ?? ''
  t.not(epoch, '', 'whoever reads knows the epoch')
  return { text: `${monitor.text()}\n${await redis.cli('HKEYS', 'layby:off')}`, epoch }
}

/** What one finds out who only reads: by trying the ids that there may be. */
function guessed({ text: names, epoch }: Names): string[] {
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22)
  const found: string[] = []
  const attempt = (what: string, text: string): void => {
    const isThere = [text, `${epoch};${text}`].some((each) => names.includes(hash(each)))
    if (isThere) found.push(what)
  }
  for (let id = 1; id <= 40; id++) {
    attempt(`slot ${id}`, `tenant;${id}`)
    attempt(`tenant ${id}`, tenantFence(`${id}`))
    attempt(`kin ${id}`, kinFence(`${id}`))
    attempt(`customer ${id}`, subjectFence('7', 'customer', `${id}`))
    attempt(`family ${id}`, familyFence('7', 'customer', `${id}`))
    attempt(`view ${id}`, encodeParts('v', '7', 'customer', '-', `${id}`))
  }
  return found
}

t.test(
  'with redis.nameSecret nobody can try out which tenants and customers there are',
  async (t) => {
    t.strictSame(guessed(await namesOf(t, NAME_SECRET)), [])
  },
)

t.test('without it whoever reads the names can, as the pages say', async (t) => {
  const found = guessed(await namesOf(t, null))
  for (const what of ['slot 7', 'tenant 7', 'customer 31']) t.ok(found.includes(what), what)
})

async function startVersioned(t: Test) {
  let version = 1
  return startUpstream(t, (received, res) => {
    if (received.method !== 'GET') version++
    sendJson(res, received, `{"id": 1, "version": ${version}, "parent_id": null}`)
  })
}

t.test('instances with different names say so, and show nothing old for long', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startVersioned(t)
  const start = async (nameSecret: string | null): Promise<TestApp> => {
    const settings = { url: redis.url, nameSecret, commandTimeoutMs: 2_000 }
    const [app] = await startInstances(t, 1, upstream.url, settings, {}, {}, false)
    return app as TestApp
  }
  const one = await start(NAME_SECRET)
  await until(async () => (await gauge(one, 'layby_bus_live')) === 1)
  await one.get('/customers/1')
  await until(async () => /detail=memory/.test(status(await one.get('/customers/1'))))
  const other = await start(null)
  const differ = /"log.level":"error".*instances differ in names, version or time/
  for (const app of [one, other]) await until(() => differ.test(app.logged()))
  t.equal(await gauge(one, 'layby_bus_live'), 0)
  t.equal(await gauge(other, 'layby_bus_live'), 0)
  t.equal(other.logged().match(/instances differ/g)?.length, 1, 'it is said once')
  for (let i = 0; i < 3; i++) {
    await one.get('/customers/1')
    const change = { 'content-type': 'application/json' }
    await other.get('/customers/1', { method: 'PATCH', headers: change, body: '{}' })
    // As long as anything lives in memory of which nobody is heard to say that it has changed.
    await sleep(1_100)
    t.match((await one.get('/customers/1')).body, `"version": ${i + 2}`)
    t.match((await other.get('/customers/1')).body, `"version": ${i + 2}`)
  }
  await other.close()
  await until(async () => (await gauge(one, 'layby_bus_live')) === 1)
  t.match(one.logged(), 'instances agree on names, version and time')
  await until(async () => /detail=memory/.test(status(await one.get('/customers/1'))))
})

/** One instance, and what publishes on its bus. */
async function startHeard(t: Test): Promise<{ app: TestApp; redis: RedisServer; tell: Teller }> {
  const redis = await startRedis(t)
  const upstream = await startVersioned(t)
  const settings = { url: redis.url, commandTimeoutMs: 2_000 }
  const [app] = (await startInstances(t, 1, upstream.url, settings)) as [TestApp]
  const client = new Redis(redis.port)
  t.teardown(() => client.disconnect())
  return { app, redis, tell: (bytes) => client.publish(CHANNEL, bytes) }
}

type Teller = (bytes: Buffer) => Promise<unknown>

t.test('what strangers publish on the bus changes nothing, however long it is', async (t) => {
  const { app, tell } = await startHeard(t)
  await app.get('/customers/1')
  const sealed = sealBytes(Buffer.from('{"sender":"x"}'), Buffer.alloc(32, 1), CHANNEL)
  const long = sealBytes(Buffer.alloc(MAX_MESSAGE_BYTES), SEALING_KEY, CHANNEL)
  for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), sealed, long]) {
    t.equal(await tell(bytes), 1, 'it was heard')
  }
  await sleep(300)
  t.equal(await gauge(app, 'layby_bus_live'), 1)
  t.notMatch(app.logged(), 'instances differ')
  t.match(status(await app.get('/customers/1')), /hit/)
})

t.test('a message that is not understood ends nothing but belief', async (t) => {
  const { app, tell } = await startHeard(t)
  const own = { sender: 'x', number: 1, sealedAt: Date.now(), names: 'n' }
  const texts = [
    'no JSON',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...own, sender: 5 }),
    JSON.stringify({ ...own, sealedAt: 0 }),
    ...[
      { forget: 'all' },
      { block: [null] },
      { pins: [['a']] },
      { landed: {} },
      { switched: ['7'] },
      { call: 1 },
    ].map((message) => JSON.stringify({ ...own, message })),
  ]
  for (const text of texts) await tell(sealBytes(Buffer.from(text), SEALING_KEY, CHANNEL))
  await until(() => app.logged().includes('instances differ'))
  t.equal((await app.get('/customers/1')).status, 200)
  await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
  t.match(app.logged(), 'instances agree')
})

t.test('a message that is put back is not applied', async (t) => {
  const { app, redis, tell } = await startHeard(t)
  const upstream = await startVersioned(t)
  const settings = { url: redis.url, commandTimeoutMs: 2_000 }
  const ear = new Redis(redis.port)
  t.teardown(() => ear.disconnect())
  const heard: { readonly bytes: Buffer; readonly envelope: Envelope }[] = []
  ear.on('messageBuffer', (_channel: Buffer, bytes: Buffer) => {
    const envelope = openEnvelope(bytes, [SEALING_KEY], CHANNEL)
    if (typeof envelope === 'object') heard.push({ bytes, envelope })
  })
  await ear.subscribe(CHANNEL)
  const values = { ops: { adminToken: ADMIN_TOKEN } }
  const [caller] = (await startInstances(t, 1, upstream.url, settings, values)) as [TestApp]
  await until(async () => {
    const { body } = await callAdmin(caller, 'POST', '/purge', { tenant: '9', all: true })
    return body['instancesAcked'] === 2
  })
  const answers = () => heard.filter(({ envelope }) => envelope.message?.present !== undefined)
  const call = heard.findLast(({ envelope }) => envelope.message?.call !== undefined)
  const answered = answers().length
  for (let i = 0; i < 3; i++) await tell(call?.bytes as Buffer)
  // Of the instance that would have answered: what it publishes comes in order.
  const [{ envelope: last }] = answers().slice(-1) as [(typeof heard)[number]]
  const number = () => heard.findLast(({ envelope }) => envelope.sender === last.sender)
  const before = number()?.envelope.number ?? 0
  await until(() => (number()?.envelope.number ?? 0) > before + 2)
  t.equal(answers().length, answered)
  t.equal((await app.get('/customers/1')).status, 200)
})

/** Sentinel, Cluster, TLS and ACL users, each against real servers, failovers included. */
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { connect, type RedisSettings } from '../../src/stores/redis-connection.ts'
import type { TestApp } from '../helpers/app.ts'
import { makeCertificate } from '../helpers/certificates.ts'
import { freePort } from '../helpers/free-port.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { launchRedis, startRedis } from '../helpers/redis-servers.ts'
import { startCluster, startSentinels } from '../helpers/redis-topologies.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const SECRET = 'a secret for tests only, 32 long and more'

interface Pair {
  readonly a: TestApp
  readonly b: TestApp
  /** What the upstream holds. */
  readonly version: () => number
}

async function startPair(t: Test, redis: Record<string, unknown>): Promise<Pair> {
  let version = 1
  const upstream = await startUpstream(t, (received, res) => {
    if (received.method !== 'GET') version++
    const id = /([0-9]+)/.exec(received.url)?.[1]
    sendJson(res, received, `{"id": ${id}, "version": ${version}, "parent_id": null}`)
  })
  const [a, b] = (await startInstances(t, 2, upstream.url, redis)) as [TestApp, TestApp]
  return { a, b, version: () => version }
}

let nextCustomer = 1

/** Resolves when what one instance fills, the other serves from Redis: for records of several slots. */
async function untilShared({ a, b }: Pair): Promise<void> {
  for (let tenant = 1; tenant <= 6; tenant++) {
    await until(async () => {
      const path = `/customers/${nextCustomer++}`
      const headers = { 'x-tenant-id': String(tenant) }
      const filled = await a.get(path, { headers })
      if (filled.status !== 200) throw new Error(`a read was answered with ${filled.status}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const { headers: told } = await b.get(path, { headers })
      return /detail=redis/.test(String(told['cache-status']))
    }, 30_000)
  }
}

async function untilSeen(t: Test, { a, b, version }: Pair): Promise<void> {
  await b.get('/customers/1')
  const written = await a.get('/customers/1', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"name": "x"}',
  })
  t.equal(written.status, 200)
  for (const instance of [a, b]) {
    await until(async () => {
      const { body } = await instance.get('/customers/1')
      return (JSON.parse(body) as { version: number }).version === version()
    })
  }
}

/** Reads through both until told to stop; gives the statuses that were not 200. */
function readOn({ a, b }: Pair): () => Promise<number[]> {
  let isOver = false
  const faults: number[] = []
  const work = async (instance: TestApp): Promise<void> => {
    for (let i = 1; !isOver; i++) {
      const { status } = await instance.get(`/customers/${1 + (i % 50)}`)
      if (status !== 200) faults.push(status)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const working = Promise.all([work(a), work(b)])
  return async () => {
    isOver = true
    await working
    return faults
  }
}

t.test('Sentinels: a failover costs no client an error, and instances share again', async (t) => {
  const { master, nodes } = await startSentinels(t)
  const pair = await startPair(t, { mode: 'sentinel', nodes })
  await untilShared(pair)
  await untilSeen(t, pair)
  const stop = readOn(pair)
  await master.kill()
  await untilShared(pair)
  await untilSeen(t, pair)
  t.strictSame(await stop(), [])
})

t.test('Cluster: records of all slots are shared, and a lost master is survived', async (t) => {
  const { servers, nodes } = await startCluster(t)
  const pair = await startPair(t, { mode: 'cluster', nodes: nodes.slice(0, 2) })
  await untilShared(pair)
  await untilSeen(t, pair)
  const stop = readOn(pair)
  await servers[0]?.kill()
  await untilShared(pair)
  await untilSeen(t, pair)
  t.strictSame(await stop(), [])
})

/** A server that speaks TLS alone; its certificate vouches for itself. */
async function startTlsRedis(t: Test): Promise<{ readonly url: string; readonly cert: string }> {
  const { key, cert } = makeCertificate(t, 'IP:127.0.0.1')
  const port = await freePort()
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert]
  const options = ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files]
  const redis = await launchRedis(options)
  t.teardown(() => redis.close())
  return { url: `rediss://127.0.0.1:${port}`, cert }
}

t.test('TLS: the certificate is verified, and one that is not trusted is not used', async (t) => {
  const { url, cert } = await startTlsRedis(t)
  const pair = await startPair(t, { url, ca: cert })
  await untilShared(pair)
  const upstream = await startUpstream(t)
  const [wary] = await startInstances(t, 1, upstream.url, { url }, {}, {}, false)
  await until(() => wary?.logged().includes('SELF_SIGNED') === true)
  t.equal((await wary?.get('/customers/1'))?.status, 200)
  t.equal(await gauge(wary as TestApp, 'layby_redis_up'), 0)
})

t.test(
  'TLS: who leaves while a certificate is refused is not ended by a second error',
  async (t) => {
    const { url } = await startTlsRedis(t)
    const { redis } = parseConfig({
      upstream: { url: 'http://127.0.0.1' },
      secret: SECRET,
      redis: { url },
    })
    const problems: string[] = []
    const leave = async (): Promise<void> => {
      const client = connect(redis as RedisSettings, 'commands', (code) => problems.push(code))
      // Hands are being shaken a moment later.
      await setImmediate()
      client.disconnect()
      await new Promise((resolve) => client.once('end', resolve))
    }
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 10 }, leave))
    t.equal(
      problems.length,
      200,
      'each was told of the certificate; what comes after it ends nothing',
    )
  },
)

/** What Layby's user has to be allowed, and no more. docs/redis.md repeats it. */
const RIGHTS =
  'resetkeys resetchannels ~layby:* &layby:* -@all +get +set +del +strlen +pttl +pexpire +time +hset +hdel +hvals +eval +evalsha +publish +subscribe +unsubscribe +ping +info +select'

t.test(
  'an ACL user with the least rights will do, and a wrong password costs only the tier',
  async (t) => {
    const redis = await startRedis(t)
    const password = 'the password of layby'
    await redis.cli('ACL', 'SETUSER', 'layby', 'on', `>${password}`, ...RIGHTS.split(' '))
    const pair = await startPair(t, { url: redis.url, username: 'layby', password })
    await untilShared(pair)
    await untilSeen(t, pair)
    const upstream = await startUpstream(t)
    const wrong = { url: redis.url, username: 'layby', password: 'not the right one' }
    const [refused] = (await startInstances(t, 1, upstream.url, wrong, {}, {}, false)) as [TestApp]
    await until(() => refused.logged().includes('WRONGPASS'))
    for (let i = 0; i < 20; i++) t.equal((await refused.get('/customers/1')).status, 200)
    t.equal(refused.logged().match(/WRONGPASS/g)?.length, 1, 'it is said once')
    t.notMatch(refused.logged(), 'not the right one')
    t.notMatch(refused.logged(), String(redis.port))
    const errors = await redis.cli('ACL', 'LOG')
    t.equal(errors.split('command').length, 1, 'nothing that the user may not do was tried')
  },
)

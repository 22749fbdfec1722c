/** What the keys of Redis say is what is done, or it is told: nothing is guessed, and nothing falls back. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import type { RedisSettings } from '../../src/stores/redis-clients.ts'
import { connect, type RedisClient } from '../../src/stores/redis-connection.ts'
import { ADMIN_TOKEN, callAdmin } from '../helpers/admin.ts'
import type { TestApp } from '../helpers/app.ts'
import { makeCertificate } from '../helpers/certificates.ts'
import { freePort } from '../helpers/free-port.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startLayby } from '../helpers/layby-process.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const SECRET = 'a secret for tests only, 32 long and more'
const PASSWORD = 'p@ss/w:r#d%+'
const ENCODED = encodeURIComponent(PASSWORD)

/** A client as Layby makes it, and the codes it told. */
function clientOf(
  t: Test,
  redis: Record<string, unknown>,
): { readonly client: RedisClient; readonly codes: string[]; readonly settings: RedisSettings } {
  const config = parseConfig({ upstream: { url: 'http://127.0.0.1' }, secret: SECRET, redis })
  const codes: string[] = []
  const ca = config.redis.ca === null ? null : readFileSync(config.redis.ca, 'utf8')
  const settings = { ...config.redis, ca }
  const client = connect(settings, 'commands', (code) => codes.push(code))
  t.teardown(() => client.disconnect())
  return { client, codes, settings }
}

async function whoAmI(client: RedisClient): Promise<string> {
  await until(() => client.status === 'ready')
  const user = String(await client.call('ACL', 'WHOAMI'))
  const database = /\bdb=([0-9]+)/.exec(String(await client.call('CLIENT', 'INFO')))?.[1]
  return `${user} ${database}`
}

t.test('the URL and the keys give user, password and database together', async (t) => {
  const redis = await startRedis(t)
  await redis.cli('ACL', 'SETUSER', 'layby', 'on', `>${PASSWORD}`, 'allkeys', 'allcommands')
  await redis.cli('ACL', 'SETUSER', 'open', 'on', 'nopass', 'allkeys', 'allcommands')
  const at = (userinfo: string, path = ''): string =>
    `redis://${userinfo}${userinfo === '' ? '' : '@'}127.0.0.1:${redis.port}${path}`
  await redis.cli('CONFIG', 'SET', 'requirepass', PASSWORD)
  const rows: readonly [redis: Record<string, unknown>, expected: string][] = [
    [{ url: at(''), password: PASSWORD }, 'default 0'],
    [{ url: at('default'), password: PASSWORD }, 'default 0'],
    [{ url: at(''), username: 'default', password: PASSWORD }, 'default 0'],
    [{ url: at('layby'), password: PASSWORD }, 'layby 0'],
    [{ url: at('layby:'), password: PASSWORD }, 'layby 0'],
    [{ url: at(`:${ENCODED}`) }, 'default 0'],
    [{ url: at(`:${ENCODED}`), username: 'layby' }, 'layby 0'],
    [{ url: at(`layby:${ENCODED}`, '/3') }, 'layby 3'],
    [{ url: at('layby', '/'), password: PASSWORD }, 'layby 0'],
    // The URL has the word, and the start tells of the keys that are left out.
    [{ url: at(`layby:${ENCODED}`), username: 'other', password: 'wrong' }, 'layby 0'],
    [{ url: at('open') }, 'open 0'],
    [{ url: at(''), username: 'open' }, 'open 0'],
  ]
  for (const [settings, expected] of rows) {
    const { client, codes } = clientOf(t, settings)
    t.equal(await whoAmI(client), expected, JSON.stringify(settings).replaceAll(ENCODED, '…'))
    t.strictSame(codes, [])
    client.disconnect()
  }
})

t.test('an IPv6 address in brackets is connected to', async (t) => {
  const redis = await startRedis(t, ['--bind', '::1', '127.0.0.1'])
  const { client, codes } = clientOf(t, { url: `redis://[::1]:${redis.port}/2` })
  t.equal(await whoAmI(client), 'default 2')
  t.strictSame(codes, [])
})

/** Instances that need not have found their Redis. */
async function startLoose(
  t: Test,
  redis: Record<string, unknown>,
  values: Record<string, Record<string, unknown>> = {},
): Promise<TestApp> {
  const upstream = await startUpstream(t)
  const [app] = await startInstances(t, 1, upstream.url, redis, values, {}, false)
  return app as TestApp
}

const count = (app: TestApp, text: string): number => app.logged().split(text).length - 1

t.test('a database that can not be selected is a fault, and not database 0', async (t) => {
  const redis = await startRedis(t)
  const forbidden = ['allkeys', 'allchannels', 'allcommands', '-select']
  await redis.cli('ACL', 'SETUSER', 'layby', 'on', '>secret', ...forbidden)
  for (const url of [`${redis.url}/99`, `redis://layby:secret@127.0.0.1:${redis.port}/2`]) {
    const app = await startLoose(t, { url })
    await until(() => app.logged().includes('"error.code":"DATABASE"'))
    for (let i = 1; i <= 5; i++) {
      t.equal((await app.get(`/customers/${i}`)).status, 200)
      await sleep(200)
    }
    t.equal(await gauge(app, 'layby_redis_up'), 0)
    t.equal(await gauge(app, 'layby_bus_live'), 0)
    t.equal(await redis.cli('INFO', 'keyspace'), '# Keyspace\r', 'nothing was written anywhere')
    t.equal(count(app, '"error.code"'), 1, 'it is said once, and nothing else is')
    await app.close()
  }
})

t.test(
  'a replica is told of once, asked more and more seldom, and used once it is the master',
  async (t) => {
    const master = await startRedis(t)
    const replica = await startRedis(t, ['--replicaof', '127.0.0.1', String(master.port)])
    await until(async () =>
      (await replica.cli('INFO', 'replication')).includes('master_link_status:up'),
    )
    const app = await startLoose(t, { url: replica.url })
    await until(() => app.logged().includes('"error.code":"REPLICA"'))
    const connections = async (): Promise<number> =>
      Number(/connections_received:([0-9]+)/.exec(await replica.cli('INFO', 'stats'))?.[1])
    await sleep(3_000)
    const [before, lines] = [await connections(), count(app, '\n')]
    await sleep(4_000)
    // Two connections of ours, each at most once a second by now, and the two looks of this test.
    t.ok((await connections()) - before <= 12, 'it is left alone for longer and longer')
    t.equal(count(app, '\n'), lines, 'and no more is said')
    t.equal(count(app, 'redis is'), 0, 'nor is it usable in between')
    await replica.cli('REPLICAOF', 'NO', 'ONE')
    await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
    t.equal(count(app, '"message":"redis is usable"'), 1)
  },
)

/** One server that has all slots. */
async function startSmallCluster(t: Test): Promise<RedisServer> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']
  const redis = await startRedis(t, [...cluster, '--cluster-port', String(await freePort())])
  await redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await until(async () => (await redis.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  return redis
}

t.test('Cluster: a name that is not found is told of, and the other nodes are used', async (t) => {
  const lost = await startLoose(t, { mode: 'cluster', nodes: ['no-such-host.invalid:6379'] })
  await until(() => /"error.code":"(ENOTFOUND|EAI_AGAIN)"/.test(lost.logged()))
  t.equal((await lost.get('/customers/1')).status, 200)
  t.notMatch(lost.logged(), 'no-such-host')
  const { port } = await startSmallCluster(t)
  const nodes = ['no-such-host.invalid:6379', `127.0.0.1:${port}`]
  const app = await startLoose(t, { mode: 'cluster', nodes })
  await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
})

t.test('what one database is told, another of the same server is not', async (t) => {
  const redis = await startRedis(t)
  const values = { ops: { adminToken: ADMIN_TOKEN } }
  const [one, two, three, near] = await Promise.all([
    startLoose(t, { url: `${redis.url}/1` }, values),
    startLoose(t, { url: `${redis.url}/2` }, values),
    startLoose(t, { url: `${redis.url}/1`, keyPrefix: 'staging' }, values),
    startLoose(t, { url: `${redis.url}/1` }, values),
  ])
  for (const app of [one, two, three, near]) {
    await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
  }
  const off = await callAdmin(two, 'PUT', '/tenants/7', { cache: 'off' })
  t.equal(off.body['instancesKnown'], 1, 'it knows of no other')
  await callAdmin(three, 'PUT', '/tenants/8', { cache: 'off' })
  const offOf = async (app: TestApp): Promise<unknown> =>
    (await callAdmin(app, 'GET', '/tenants')).body['off']
  await callAdmin(one, 'PUT', '/tenants/9', { cache: 'off' })
  await until(async () => JSON.stringify(await offOf(near)) === '["9"]')
  t.strictSame(await offOf(one), ['9'])
  t.strictSame(await offOf(two), ['7'])
  t.strictSame(await offOf(three), ['8'])
})

t.test(
  'a password that is not wanted is told of in the log, every line of which is JSON',
  async (t) => {
    const redis = await startRedis(t)
    await redis.cli('ACL', 'SETUSER', 'default', '-info')
    const upstream = await startUpstream(t)
    const layby = await startLayby(t, upstream.url, {
      environment: {
        LAYBY_SECRET: SECRET,
        LAYBY_REDIS_URL: redis.url,
        LAYBY_REDIS_PASSWORD: PASSWORD,
        LAYBY_REDIS_SENTINEL_NAME: 'idle',
      },
    })
    await until(() => layby.output().includes('redis is usable'))
    for (let i = 0; i < 3; i++) {
      await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal')
      await sleep(800)
    }
    const lines = layby.output().trim().split('\n')
    const codes = lines.map((line) => (JSON.parse(line) as Record<string, string>)['error.code'])
    for (const code of ['PASSWORD_NOT_REQUIRED', 'INFO_REFUSED']) {
      t.equal(codes.filter((each) => each === code).length, 1, code)
    }
    t.match(layby.output(), /"key":"redis.sentinelName".*configuration key without effect/)
    t.notMatch(layby.output(), PASSWORD)
  },
)

t.test('a lifetime that its jitter makes a fraction is no fault', async (t) => {
  const redis = await startRedis(t)
  const short = { ttlMs: 3_000, ttlJitter: 0.1, grantTtlMs: 3_000, credentialTtlMs: 3_000 }
  t.not(Number.isInteger(short.ttlMs * (1 + short.ttlJitter)), true)
  const app = await startLoose(t, { url: redis.url }, { cache: short })
  await until(async () => (await gauge(app, 'layby_bus_live')) === 1)
  t.match((await app.get('/customers/1')).headers['cache-status'], /stored/)
})

/** A server that takes note of the names it is called by; what it answers is a Sentinel's. */
async function startNamed(
  t: Test,
  address: () => string,
): Promise<{ readonly port: number; readonly cert: string; readonly names: Set<string> }> {
  const { key, cert } = makeCertificate(t, 'DNS:localhost,IP:127.0.0.1')
  const names = new Set<string>()
  const sockets = new Set<TLSSocket>()
  const files = { key: readFileSync(key), cert: readFileSync(cert) }
  const server = createServer(files, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    names.add(String(socket.servername || 'none'))
    socket.on('data', (chunk) => {
      const [host = '', port = ''] = address().split(' ')
      const found = `*2\r\n$${host.length}\r\n${host}\r\n$${port.length}\r\n${port}\r\n`
      for (const [word] of String(chunk).matchAll(/get-master-addr-by-name|sentinels\r|SETINFO/gi))
        socket.write(/get-/.test(word) ? found : /sentinels/.test(word) ? '*0\r\n' : '+OK\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, cert, names }
}

t.test('TLS is told the name that a server was called by, and no address', async (t) => {
  const seen = async (
    redis: (port: number) => Record<string, unknown>,
    isEnough: (names: Set<string>) => boolean,
    master = '',
  ): Promise<string[]> => {
    const { port, cert, names } = await startNamed(t, () => master.replace('PORT', String(port)))
    const { client } = clientOf(t, { ...redis(port), ca: cert })
    await until(() => isEnough(names))
    client.disconnect()
    return [...names].sort()
  }
  const some = (names: Set<string>): boolean => names.size > 0
  const both = (names: Set<string>): boolean => names.size > 1
  const url = (host: string) => (port: number) => ({ url: `rediss://${host}:${port}` })
  t.strictSame(await seen(url('localhost'), some), ['localhost'])
  t.strictSame(await seen(url('127.0.0.1'), some), ['none'])
  const nodes = (mode: string, host: string) => (port: number) => ({
    ...{ mode, tls: true },
    nodes: [`${host}:${port}`],
  })
  t.strictSame(await seen(nodes('cluster', 'localhost'), some), ['localhost'])
  t.strictSame(await seen(nodes('sentinel', 'localhost'), some), ['localhost'])
  const masters = nodes('sentinel', '127.0.0.1')
  t.strictSame(await seen(masters, both, 'localhost PORT'), ['localhost', 'none'])
})

t.test('authorities that change vouch for the next connection, in each mode', async (t) => {
  const other = makeCertificate(t, 'DNS:localhost').cert
  for (const redis of [
    (port: number) => ({ url: `rediss://localhost:${port}` }),
    (port: number) => ({ url: `rediss://127.0.0.1:${port}` }),
    (port: number) => ({ mode: 'cluster', tls: true, nodes: [`localhost:${port}`] }),
    (port: number) => ({ mode: 'sentinel', tls: true, nodes: [`localhost:${port}`] }),
  ]) {
    const { port, cert, names } = await startNamed(t, () => '')
    const { client, settings, codes } = clientOf(t, { ...redis(port), ca: other })
    await until(() => codes.length > 0)
    t.equal(names.size, 0, 'nothing is sent to who is not vouched for')
    settings.ca = readFileSync(cert, 'utf8')
    await until(() => names.size > 0)
    client.disconnect()
  }
})

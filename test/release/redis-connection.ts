/** The way to Redis by itself: what its callers are told, and when, whatever Redis does (reliability R1 to R5). */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import {
  createCommands,
  type RedisCommands,
  type Reply,
  type Script,
} from '../../src/stores/redis-commands.ts'
import { connect, type RedisSettings } from '../../src/stores/redis-connection.ts'
import { freePort } from '../helpers/free-port.ts'
import { until } from '../helpers/instances.ts'
import { launchRedis, startRedis } from '../helpers/redis-servers.ts'
import { startCluster, startSentinels } from '../helpers/redis-topologies.ts'

t.setTimeout(240_000)

const BUDGET_MS = 50
/** What a loaded machine may add to a budget. */
const MARGIN_MS = 150
const ECHO: Script = { name: 'testEcho', lua: 'return ARGV[1]' }
const PUT: Script = { name: 'testPut', lua: "return redis.call('SET', KEYS[1], ARGV[1])" }
const NOT_TO_BE_HAD: Reply = { ok: false, refused: false }

interface Opened {
  readonly commands: RedisCommands
  readonly codes: string[]
  readonly states: boolean[]
}

function settingsOf(own: Partial<RedisSettings>): RedisSettings {
  return {
    mode: 'standalone',
    url: null,
    nodes: [],
    sentinelName: 'mymaster',
    username: null,
    password: null,
    sentinelPassword: null,
    tls: false,
    ca: null,
    commandTimeoutMs: BUDGET_MS,
    keyPrefix: 'layby',
    nameSecret: null,
    ...own,
  }
}

function open(t: Test, own: Partial<RedisSettings>): Opened {
  const codes: string[] = []
  const states: boolean[] = []
  const commands = createCommands(settingsOf(own), systemClock, {
    stateChanged: (isUsable) => void states.push(isUsable),
    failed: (code) => void codes.push(code),
  })
  t.teardown(() => commands.close())
  return { commands, codes, states }
}

async function opened(t: Test, own: Partial<RedisSettings>): Promise<Opened> {
  const result = open(t, own)
  await until(() => result.commands.isUsable)
  return result
}

const put = (commands: RedisCommands, key: string): Promise<Reply> =>
  commands.run(PUT, [key], ['x'])

/** A server that lets each connection be answered by `greet`. */
async function startStub(t: Test, greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    greet(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

t.test('values come back as they were, and scripts that Redis forgot are sent again', async (t) => {
  const redis = await startRedis(t)
  const { commands } = await opened(t, { url: redis.url })
  const bytes = Buffer.from([0, 255, 254, 13, 10, 128])
  t.strictSame(await commands.run(ECHO, [], [bytes]), { ok: true, value: bytes })
  const mixed: Script = { name: 'testMixed', lua: 'return {7, false, ARGV[1]}' }
  t.strictSame(await commands.run(mixed, [], ['é']), {
    ok: true,
    value: [7, null, Buffer.from('é')],
  })
  await redis.cli('SCRIPT', 'FLUSH')
  t.strictSame(await commands.run(ECHO, [], ['a']), { ok: true, value: Buffer.from('a') })
  t.strictSame(await commands.publish('nobody', bytes), { ok: true, value: 0 })
})

t.test('what Redis refuses is told apart from what it does not answer', async (t) => {
  const redis = await startRedis(t)
  const { commands, codes } = await opened(t, { url: redis.url })
  const wrong: Script = { name: 'testWrong', lua: "return redis.call('NOSUCHCOMMAND')" }
  t.strictSame(await commands.run(wrong, [], []), { ok: false, refused: true })
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  for (let i = 0; i < 50; i++)
    t.strictSame(await put(commands, `k${i}`), { ok: false, refused: true })
  t.equal(codes.at(-1), 'OOM')
  t.equal(commands.isUsable, true, 'a refusal is no reason to stay away')
  await redis.cli('CONFIG', 'SET', 'maxmemory', '0')
  t.match(await put(commands, 'k'), { ok: true })
})

t.test('users and passwords: from the settings, from the URL, and wrong ones', async (t) => {
  const redis = await startRedis(t, ['--requirepass', 'of the default user'])
  const cli = (...args: string[]): Promise<string> =>
    redis.cli('--no-auth-warning', '-a', 'of the default user', ...args)
  await cli('ACL', 'SETUSER', 'layby', 'on', '>p@ss/word', '~*', '&*', '+@all')
  const { url } = redis
  const inUrl = url.replace('//', `//layby:${encodeURIComponent('p@ss/word')}@`)
  for (const own of [{ url, username: 'layby', password: 'p@ss/word' }, { url: inUrl }]) {
    const { commands } = await opened(t, own)
    t.match(await put(commands, 'k'), { ok: true })
  }
  for (const [own, code] of [
    [{ url, username: 'layby', password: 'CANARY wrong' }, 'WRONGPASS'],
    [{ url }, 'NOAUTH'],
  ] as const) {
    const { commands, codes, states } = open(t, own)
    await until(() => codes.length > 2)
    t.strictSame([...new Set(codes)], [code])
    t.strictSame(states, [])
    t.strictSame(await put(commands, 'k'), NOT_TO_BE_HAD)
  }
})

const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
/** Options of a redis-server that talks TLS with `certificate`. */
const tlsOptions = (certificate: string, key: string, ca: string): string[] => [
  ...['--tls-cert-file', certificate, '--tls-key-file', key],
  ...['--tls-ca-cert-file', ca, '--tls-auth-clients', 'no'],
]
const KNOWN = tlsOptions(tlsFile('server.pem'), tlsFile('server.key'), tlsFile('ca.pem'))

t.test('TLS: who is not vouched for, or has another name, is told nothing', async (t) => {
  const port = await freePort()
  const server = await launchRedis(['--tls-port', String(port), ...KNOWN])
  t.teardown(() => server.close())
  const ca = readFileSync(tlsFile('ca.pem'), 'utf8')
  for (const url of [`rediss://localhost:${port}`, `REDISS://127.0.0.1:${port}`]) {
    const { commands } = await opened(t, { url, ca })
    t.match(await put(commands, 'k'), { ok: true }, url)
  }
  const unknown = open(t, { url: `rediss://127.0.0.1:${port}` })
  const renamed = open(t, { url: `rediss://127.0.0.2:${await forward(t, '127.0.0.2', port)}`, ca })
  for (const { commands, codes } of [unknown, renamed]) {
    await until(() => codes.length > 1)
    t.match(codes[0], /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT)/)
    t.strictSame(await put(commands, 'k'), NOT_TO_BE_HAD)
  }
})

/** A port at another address that leads to `port`. */
async function forward(t: Test, host: string, port: number): Promise<number> {
  const server = createServer((socket) => {
    const onward = dial(port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
    socket.pipe(onward).pipe(socket)
  }).listen(0, host)
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return (server.address() as { port: number }).port
}

t.test('Sentinels: commands are taken again after the master was lost', async (t) => {
  const { master, nodes } = await startSentinels(t)
  const deaf = `127.0.0.1:${await startStub(t, () => {})}`
  const { commands } = await opened(t, { mode: 'sentinel', nodes: [deaf, ...nodes] })
  t.match(await put(commands, 'k'), { ok: true }, 'a Sentinel that hangs is passed over')
  await master.kill()
  const from = performance.now()
  await until(async () => (await put(commands, 'k')).ok, 20_000)
  t.comment(`writes are taken again after ${(performance.now() - from).toFixed(0)} ms`)
})

t.test('Sentinels that are not to be had are named by a code', async (t) => {
  const { codes } = open(t, { mode: 'sentinel', nodes: [`127.0.0.1:${await freePort()}`] })
  await until(() => codes.length > 0)
  t.equal(codes[0], 'CLOSED')
  const redis = await startRedis(t, ['--requirepass', 'pw'])
  const nodes = [`127.0.0.1:${redis.port}`]
  const refused = open(t, { mode: 'sentinel', nodes, sentinelPassword: 'CANARY' })
  await until(() => refused.codes.length > 0)
  t.equal(refused.codes[0], 'WRONGPASS')
})

t.test('Sentinels and master over TLS', async (t) => {
  const [port, sentinelPort] = [await freePort(), await freePort()]
  const master = await launchRedis(['--tls-port', String(port), ...KNOWN])
  t.teardown(() => master.close())
  const directory = mkdtempSync(join(tmpdir(), 'layby-sentinel-'))
  const file = join(directory, 'sentinel.conf')
  writeFileSync(file, `port 0\ndir ${directory}\nsentinel monitor mymaster 127.0.0.1 ${port} 1\n`)
  const options = ['--tls-port', String(sentinelPort), '--tls-replication', 'yes', ...KNOWN]
  const sentinel = spawn('redis-server', [file, '--sentinel', ...options], { stdio: 'ignore' })
  t.teardown(async () => {
    const gone = once(sentinel, 'exit')
    sentinel.kill('SIGKILL')
    await gone
    rmSync(directory, { recursive: true, force: true })
  })
  const { commands } = await opened(t, {
    mode: 'sentinel',
    nodes: [`127.0.0.1:${sentinelPort}`],
    tls: true,
    ca: readFileSync(tlsFile('ca.pem'), 'utf8'),
  })
  t.match(await put(commands, 'k'), { ok: true })
})

t.test('Cluster: all slots are reached, and again after a master was lost', async (t) => {
  const { servers, nodes } = await startCluster(t)
  const { commands } = await opened(t, { mode: 'cluster', nodes: nodes.slice(0, 1) })
  let lost = 0
  commands.onLost(() => void lost++)
  const keys = Array.from({ length: 60 }, (_, i) => `{${i}}k`)
  const reachAll = async (): Promise<boolean> =>
    (await Promise.all(keys.map((key) => put(commands, key)))).every(({ ok }) => ok)
  await until(reachAll)
  t.match(await commands.publish('nobody', Buffer.from('x')), { ok: true })
  await servers[0]?.kill()
  const from = performance.now()
  await until(reachAll, 20_000)
  t.comment(`all slots are reached again after ${(performance.now() - from).toFixed(0)} ms`)
  t.ok(lost > 0, 'whoever trusts what Redis was told hears of it')
})

t.test('a Cluster that refuses, or is not there, is named by a code', async (t) => {
  const absent = open(t, { mode: 'cluster', nodes: [`127.0.0.1:${await freePort()}`] })
  const redis = await startRedis(t, ['--cluster-enabled', 'yes', '--requirepass', 'pw'])
  const nodes = [`127.0.0.1:${redis.port}`]
  const refused = open(t, { mode: 'cluster', nodes, password: 'CANARY' })
  await until(() => absent.codes.length > 2 && refused.codes.length > 2)
  t.ok(absent.codes.includes('CLOSED'), absent.codes.join())
  t.ok(refused.codes.includes('WRONGPASS'), refused.codes.join())
})

t.test('Cluster over TLS: nodes are verified by the names they go by', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'layby-tls-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  const names = ['-addext', 'subjectAltName=DNS:localhost', '-subj', '/CN=redis', '-days', '2']
  execFileSync('openssl', [...made, ...names], { stdio: 'ignore' })
  const port = await freePort()
  const server = await launchRedis([
    ...['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
    ...[
      '--cluster-announce-hostname',
      'localhost',
      '--cluster-preferred-endpoint-type',
      'hostname',
    ],
    ...['--tls-port', String(port), '--tls-cluster', 'yes', ...tlsOptions(cert, key, cert)],
  ])
  t.teardown(() => server.close())
  await server.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  const ca = readFileSync(cert, 'utf8')
  const { commands } = await opened(t, {
    mode: 'cluster',
    nodes: [`localhost:${port}`],
    tls: true,
    ca,
  })
  await until(async () => (await put(commands, 'k')).ok)
})

t.test('down at boot, Redis is used within three seconds of coming', async (t) => {
  const port = await freePort()
  const { commands, codes, states } = open(t, { url: `redis://127.0.0.1:${port}` })
  let heard = 0
  commands.onUsable(() => void heard++)
  t.strictSame(await put(commands, 'k'), NOT_TO_BE_HAD)
  await until(() => codes.length > 3)
  t.strictSame([...new Set(codes)], ['ECONNREFUSED'])
  const redis = await launchRedis([], port)
  t.teardown(() => redis.close())
  const from = performance.now()
  await until(() => commands.isUsable)
  t.ok(performance.now() - from < 3_000)
  t.match(await put(commands, 'k'), { ok: true })
  t.strictSame([heard, states], [1, [true]])
})

t.test(
  'a Redis that stands still costs the budget, then nothing, and is found again',
  async (t) => {
    const redis = await startRedis(t)
    const { commands, states } = await opened(t, { url: redis.url })
    let lost = 0
    commands.onLost(() => void lost++)
    await put(commands, 'k')
    redis.pause()
    for (let i = 0; commands.isUsable; i++) {
      const from = performance.now()
      t.strictSame(await put(commands, 'k'), NOT_TO_BE_HAD)
      const took = performance.now() - from
      t.ok(took < BUDGET_MS + MARGIN_MS, `${took.toFixed(0)} ms`)
      if (i > 20) t.fail('the breaker did not open')
    }
    t.ok(lost > 0)
    const from = performance.now()
    for (let i = 0; i < 1_000; i++) t.same(await put(commands, 'k'), NOT_TO_BE_HAD)
    const each = (performance.now() - from) / 1_000
    t.ok(each < 1, `${each.toFixed(3)} ms each`)
    // Longer than sockets are given: the connections made meanwhile are accepted, and not answered.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    t.equal(commands.isUsable, false)
    redis.resume()
    const back = performance.now()
    await until(() => commands.isUsable)
    const took = performance.now() - back
    t.comment(`usable ${took.toFixed(0)} ms after Redis went on`)
    t.ok(took < 3_000, `${took} ms`)
    t.match(await put(commands, 'k'), { ok: true })
    t.strictSame(states, [true, false, true])
  },
)

t.test('while Redis reads its data it counts as down, and soon after as up', async (t) => {
  // Microseconds for each key, when it starts anew.
  const slowly = ['--key-load-delay', '50000', '--loading-process-events-interval-bytes', '1024']
  const redis = await startRedis(t, slowly)
  for (let i = 0; i < 60; i++) await redis.cli('SET', `k${i}`, 'x'.repeat(2_000))
  await redis.cli('SAVE')
  const { commands } = await opened(t, { url: redis.url })
  await redis.kill()
  await until(() => !commands.isUsable)
  await redis.start()
  t.match(await redis.cli('INFO', 'persistence'), 'loading:1')
  await until(async () => {
    const isLoading = (await redis.cli('INFO', 'persistence')).includes('loading:1')
    if (isLoading) t.same(await put(commands, 'k'), NOT_TO_BE_HAD)
    return !isLoading
  }, 30_000)
  const from = performance.now()
  await until(() => commands.isUsable, 30_000)
  const took = performance.now() - from
  t.comment(`usable ${took.toFixed(0)} ms after loading`)
  t.ok(took < 3_000, `${took} ms`)
})

t.test('Redis is not taken at its word on how long it will read its data', async (t) => {
  let asked = 0
  const port = await startStub(t, (socket) => {
    socket.on('data', () => {
      const info = asked++ === 0 ? 'loading:1\r\nloading_eta_seconds:600' : 'loading:0'
      socket.write(`$${info.length}\r\n${info}\r\n`)
    })
  })
  const { commands } = open(t, { url: `redis://127.0.0.1:${port}` })
  await until(() => commands.isUsable, 3_000)
  t.equal(asked, 2)
})

t.test('a subscriber outlives silence, and a server that never answers it', async (t) => {
  const redis = await startRedis(t)
  const sockets: Socket[] = []
  const port = await startStub(t, (socket) => {
    // The first one is left without an answer, for ever.
    if (sockets.push(socket) === 1) return
    const onward = dial(redis.port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
    socket.pipe(onward).pipe(socket)
  })
  const codes: string[] = []
  const subscriber = connect(
    settingsOf({ url: `redis://127.0.0.1:${port}` }),
    'subscriber',
    (code) => codes.push(code),
  )
  t.teardown(() => subscriber.disconnect())
  await until(() => subscriber.status === 'ready', 5_000)
  t.strictSame(codes, ['ETIMEDOUT'])
  await subscriber.subscribe('channel')
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  t.equal(sockets.length, 2, 'it is the same connection still')
  const heard = once(subscriber, 'message')
  await redis.cli('PUBLISH', 'channel', 'still there')
  t.strictSame(await heard, ['channel', 'still there'])
})

t.test('a single server that points elsewhere is not followed', async (t) => {
  let visitors = 0
  const elsewhere = await startStub(t, () => void visitors++)
  for (const word of ['MOVED 1234', 'ASK 1234', 'CLUSTERDOWN is down']) {
    const port = await startStub(t, (socket) => {
      socket.on('data', (chunk) => {
        // It is taken for sound before it is asked for anything.
        const isAsked = /eval/i.test(chunk.toString())
        socket.write(isAsked ? `-${word} 127.0.0.1:${elsewhere}\r\n` : '$9\r\nloading:0\r\n')
      })
    })
    const { commands, codes } = await opened(t, { url: `redis://127.0.0.1:${port}` })
    for (let i = 0; i < 5; i++)
      t.strictSame(await put(commands, 'k'), { ok: false, refused: true }, word)
    t.equal(codes.at(-1), word.split(' ')[0])
  }
  t.equal(visitors, 0)
})

t.test('R5: replies that come too late reach nobody else', async (t) => {
  const redis = await startRedis(t)
  const { commands } = await opened(t, { url: redis.url })
  let [late, answered] = [0, 0]
  const ask = async (value: string): Promise<void> => {
    const reply = await commands.run(ECHO, [], [value])
    if (!reply.ok) late++
    else if (String(reply.value) === value) answered++
    else t.fail(`${value} was answered with ${reply.value}`)
  }
  for (let round = 0; round < 20; round++) {
    await until(() => commands.isUsable)
    redis.pause()
    const asked = Array.from({ length: 500 }, (_, i) => ask(`${round} ${i}`))
    setTimeout(() => redis.resume(), 40 + (round % 5) * 65)
    await Promise.all(asked)
    for (let i = 0; i < 100; i++) await ask(`${round} after ${i}`)
  }
  t.ok(late > 500 && answered > 500, `${late} late, ${answered} answered`)
  t.comment(`${late} late, ${answered} answered, none with what was another's`)
})

t.test('R4: memory is flat while Redis stands still', async (t) => {
  const redis = await startRedis(t)
  const { commands } = await opened(t, { url: redis.url })
  redis.pause()
  const value = Buffer.alloc(20_000)
  const from = process.memoryUsage().rss
  const end = performance.now() + 5_000
  let asked = 0
  while (performance.now() < end) {
    // About 300 in a second.
    for (let i = 0; i < 3; i++, asked++) void commands.run(ECHO, [], [value])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const grown = (process.memoryUsage().rss - from) / 2 ** 20
  t.comment(`${asked} asked, ${grown.toFixed(1)} MiB more`)
  t.ok(grown < 30, `${grown} MiB`)
})

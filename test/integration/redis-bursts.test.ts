/** Many cold keys at once, and what a process that has no time must not take for a fault of Redis (reliability U2). */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Turn } from '../../src/cache/ports.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createCommands, type Script } from '../../src/stores/redis-commands.ts'
import { RedisKeys } from '../../src/stores/redis-keys.ts'
import { Turns } from '../../src/stores/turns.ts'
import type { TestApp } from '../helpers/app.ts'
import { startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const ECHO: Script = { name: 'testEcho', lua: 'return ARGV[1]' }

/** The event loop does nothing else. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

async function open(t: Test, url: string, commandTimeoutMs: number) {
  const codes: string[] = []
  const commands = createCommands(
    {
      mode: 'standalone',
      url,
      nodes: [],
      sentinelName: '',
      username: null,
      password: null,
      sentinelPassword: null,
      tls: false,
      ca: null,
      commandTimeoutMs,
      keyPrefix: 'layby',
      nameSecret: null,
    },
    systemClock,
    { stateChanged: () => {}, failed: (code) => void codes.push(code) },
  )
  t.teardown(() => commands.close())
  await until(() => commands.isUsable)
  return { commands, codes }
}

t.test(
  'a burst of cold keys through three instances asks for each key twice at most',
  async (t) => {
    const redis = await startRedis(t)
    const asked = new Map<string, number>()
    const upstream = await startUpstream(t, (received, res) => {
      asked.set(received.url, (asked.get(received.url) ?? 0) + 1)
      setTimeout(() => sendJson(res, received, '{"id": 1, "parent_id": 9}'), 500)
    })
    const room = { upstream: { connections: 300, tenantReads: 300 } }
    const instances = await startInstances(t, 3, upstream.url, { url: redis.url }, room)
    const keys = Array.from({ length: 200 }, (_, i) => `/customers/${i + 1}`)
    const reads = instances.flatMap((instance) => keys.map((key) => instance.get(key)))
    // A thousand at once keep a process from everything else for longer.
    setImmediate(() => block(1_200))
    const replies = await Promise.all(reads)
    t.strictSame([...new Set(replies.map(({ status }) => status))], [200])
    t.equal(asked.size, 200)
    t.strictSame(
      [...asked].filter(([, times]) => times > 2),
      [],
    )
    t.comment(`${upstream.requests.length} upstream requests for 200 keys`)
  },
)

t.test(
  'a process that has no time for a while keeps its connection, and trusts Redis',
  async (t) => {
    const redis = await startRedis(t)
    // Redis is a process too: on a busy machine it answers when it gets its time.
    const { commands, codes } = await open(t, redis.url, 500)
    let lost = 0
    commands.onLost(() => void lost++)
    for (let round = 0; round < 2; round++) {
      const before = Array.from({ length: 50 }, (_, i) => commands.run(ECHO, [], [i]))
      block(1_500)
      // By the loop's own time, this one is as old as the others.
      const after = Array.from({ length: 50 }, (_, i) => commands.run(ECHO, [], [i]))
      const replies = await Promise.all([...before, ...after])
      t.ok(replies.every(({ ok }) => ok))
    }
    t.strictSame([codes, lost, commands.isAnswering], [[], 0, true])
  },
)

t.test('a connection on which no answer comes is given up, and another one made', async (t) => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    // Taken for sound, and then silent.
    socket.once('data', () => void socket.write('$9\r\nloading:0\r\n'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const { commands, codes } = await open(t, `redis://127.0.0.1:${port}`, 50)
  // A wait that was too long because this process had no time is not held against Redis: so it may need a second one.
  await until(async () => {
    t.match(await commands.run(ECHO, [], ['x']), { ok: false, refused: false })
    return !commands.isAnswering
  })
  await until(() => sockets.length > 1)
  t.ok(codes.includes('ETIMEDOUT'))
})

t.test('no more than a thousand commands are under way, and two thousand wait', async (t) => {
  let [asked, mayAnswer] = [0, false]
  const waiting: Socket[] = []
  const server = createServer((socket) => {
    let rest = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = rest + chunk.toString('latin1')
      // A word may lie across two chunks.
      rest = text.slice(-'eva'.length)
      if (/info/i.test(chunk.toString())) socket.write('$9\r\nloading:0\r\n')
      const count = text.match(/eval/g)?.length ?? 0
      asked += count
      for (let i = 0; i < count; i++) mayAnswer ? socket.write(':1\r\n') : waiting.push(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as { port: number }
  const { commands } = await open(t, `redis://127.0.0.1:${port}`, 10_000)
  const replies = Array.from({ length: 3_100 }, (_, i) => commands.run(ECHO, [], [i]))
  const beyond = await Promise.all(replies.slice(3_000))
  t.ok(beyond.every((reply) => !reply.ok && !reply.refused))
  await until(() => asked >= 1_000)
  await commands.publish('nobody', Buffer.from('')).then(({ ok }) => t.notOk(ok))
  t.equal(asked, 1_000)
  mayAnswer = true
  for (const socket of waiting) socket.write(':1\r\n')
  t.ok((await Promise.all(replies.slice(0, 3_000))).every(({ ok }) => ok))
  await commands.close()
})

t.test('while Redis stands still a read waits for it once at most', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t, (received, res) => {
    sendJson(res, received, '{"id": 1, "parent_id": 9}')
  })
  const settings = { url: redis.url, commandTimeoutMs: 1_500 }
  const [a] = (await startInstances(t, 1, upstream.url, settings)) as [TestApp]
  await a.get('/customers/1')
  redis.pause()
  const from = performance.now()
  t.equal((await a.get('/customers/2')).status, 200)
  const took = performance.now() - from
  t.ok(took < 2_900, `${took.toFixed(0)} ms`)
  redis.resume()
})

const KEY = '1:x1:a'

async function makeTurns(t: Test, url: string) {
  const { commands } = await open(t, url, 1_000)
  const told: string[] = []
  const bus = {
    publish: async (message: { readonly landed?: readonly string[] }) => {
      told.push(...(message.landed ?? []))
      return true
    },
  }
  const keys = new RedisKeys('layby', 0)
  return {
    turns: new Turns({ commands, keys, bus, clock: systemClock, maxWaitMs: 5_000 }),
    commands,
    told,
    keys,
  }
}

t.test('of those who wait for a turn that has died one takes it over, for all', async (t) => {
  const redis = await startRedis(t)
  const one = await makeTurns(t, redis.url)
  const two = await makeTurns(t, redis.url)
  const name = one.keys.turn('7', KEY)
  // Its holder will not renew it.
  await redis.cli('SET', name, 'one that dies', 'PX', '700')
  const waiting = await Promise.all([one.turns.take('7', KEY), two.turns.take('7', KEY)])
  t.ok(waiting.every(({ isOurs }) => !isOurs))
  const seen: (Turn | null)[] = []
  for (const { landed } of waiting) void landed.then((turn) => void seen.push(turn))
  await until(() => seen.length > 0)
  const [heir] = seen
  t.equal(heir?.isOurs, true)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  t.equal(seen.length, 1, 'it is renewed for as long as the fill takes')
  heir?.end()
  // Without the bus: who waits finds out.
  await until(() => seen.length === 2)
  t.equal((await redis.cli('EXISTS', name)) === '0' || seen[1] !== null, true)
  seen[1]?.end()
  t.ok([...one.told, ...two.told].includes(name))
  await until(async () => (await redis.cli('EXISTS', name)) === '0')
})

t.test('turns that end together are told of together, and wake whoever waits here', async (t) => {
  const redis = await startRedis(t)
  const { turns, told, keys } = await makeTurns(t, redis.url)
  const names = Array.from({ length: 450 }, (_, i) => `1:x1:${i}`)
  const held = await Promise.all(names.map((key) => turns.take('7', key)))
  t.ok(held.every(({ isOurs }) => isOurs))
  const again = await Promise.all(names.map((key) => turns.take('7', key)))
  t.ok(again.every(({ isOurs }) => !isOurs))
  for (const turn of held) turn.end()
  t.strictSame([...new Set(await Promise.all(again.map(({ landed }) => landed)))], [null])
  await until(() => told.length === 450)
  t.strictSame(new Set(told), new Set(names.map((key) => keys.turn('7', key))))
  await until(async () => (await redis.cli('DBSIZE')) === '0')
})

t.test('a turn that has run out before it was heard of may be another’s by then', async (t) => {
  const redis = await startRedis(t)
  const { turns, keys } = await makeTurns(t, redis.url)
  const taking = turns.take('7', KEY)
  block(2_100)
  const words = ['SET', keys.turn('7', KEY), 'another', 'NX', 'PX', '60000']
  t.match(execFileSync('redis-cli', ['-p', String(redis.port), ...words]).toString(), 'OK')
  const turn = await taking
  t.equal(turn.isOurs, false)
  turn.end()
  t.equal(await turn.landed, null, 'who does not wait any longer is told so')
})

t.test('a turn whose taking was not answered is treated as taken, and given back', async (t) => {
  const redis = await startRedis(t)
  const { turns, commands } = await makeTurns(t, redis.url)
  const asked = turns.ask('7', KEY)
  const turn = turns.answered(asked, null)
  t.equal(turn.isOurs, true)
  // Redis has taken it after all.
  await redis.cli('SET', asked.name, asked.who, 'PX', '60000')
  turn.end()
  await until(async () => (await redis.cli('EXISTS', asked.name)) === '0')
  t.equal(commands.isUsable, true)
})

t.test('who waits while Redis is lost waits a little longer, and then for nobody', async (t) => {
  const redis = await startRedis(t)
  const { turns } = await makeTurns(t, redis.url)
  await redis.cli('SET', new RedisKeys('layby', 0).turn('7', KEY), 'another', 'PX', '60000')
  const turn = await turns.take('7', KEY)
  t.equal(turn.isOurs, false)
  await redis.kill()
  t.equal(await turn.landed, null)
})

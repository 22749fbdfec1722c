/** Faults of Redis one by one that the coherence run does not hold (reliability section 4; R1 to R6). */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { TestApp } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { launchRedis, startRedis } from '../helpers/redis-servers.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const statusOf = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers['cache-status'])

let next = 1

async function untilShared(a: TestApp, b: TestApp): Promise<void> {
  await until(async () => {
    const path = `/customers/${next++}`
    await a.get(path)
    await new Promise((resolve) => setTimeout(resolve, 20))
    return /detail=redis/.test(statusOf(await b.get(path)))
  })
}

/** Sixty reads of new records; all must be answered. */
async function readSome(t: Test, instance: TestApp): Promise<void> {
  const from = next
  next += 60
  for (let i = from; i < from + 60; i++) {
    const { status } = await instance.get(`/customers/${i}`)
    if (status !== 200) t.fail(`a read was answered with ${status}`)
  }
}

t.test('F01: down at boot, Redis is used when it comes', async (t) => {
  const port = await freePort()
  const upstream = await startUpstream(t)
  const url = `redis://127.0.0.1:${port}`
  const [a, b] = (await startInstances(t, 2, upstream.url, { url }, {}, {}, false)) as [
    TestApp,
    TestApp,
  ]
  await readSome(t, a)
  t.match(
    statusOf(await a.get(`/customers/${next - 1}`)),
    /detail=memory/,
    'memory is used, briefly',
  )
  const ready = await fetch(`${a.opsUrl}/health/ready`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { redis: 'down' })
  const redis = await launchRedis([], port)
  t.teardown(() => redis.close())
  await untilShared(a, b)
})

t.test('F08: a user that is disabled costs the tier until it is enabled', async (t) => {
  const redis = await startRedis(t)
  await redis.cli('ACL', 'SETUSER', 'layby', 'on', '>pw', '~*', '&*', '+@all')
  const upstream = await startUpstream(t)
  const settings = { url: redis.url, username: 'layby', password: 'pw' }
  const [a, b] = (await startInstances(t, 2, upstream.url, settings)) as [TestApp, TestApp]
  await untilShared(a, b)
  await redis.cli('ACL', 'SETUSER', 'layby', 'off')
  await redis.cli('CLIENT', 'KILL', 'USER', 'layby')
  await readSome(t, a)
  await readSome(t, b)
  await redis.cli('ACL', 'SETUSER', 'layby', 'on')
  await untilShared(a, b)
})

t.test('F09: a server that points elsewhere is not followed', async (t) => {
  for (const answer of [
    '-MOVED 1234 127.0.0.1:',
    '-ASK 1234 127.0.0.1:',
    '-CLUSTERDOWN the cluster is down ',
  ]) {
    let visitors = 0
    const elsewhere = createServer(() => void visitors++).listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    const { port } = elsewhere.address() as { port: number }
    const stub = await startStub(t, (socket) => {
      socket.on('data', () => void socket.write(`${answer}${port}\r\n`.repeat(2)))
    })
    const upstream = await startUpstream(t)
    const url = `redis://127.0.0.1:${stub}`
    const [a] = (await startInstances(t, 1, upstream.url, { url }, {}, {}, false)) as [TestApp]
    await readSome(t, a)
    t.equal(visitors, 0, answer)
    elsewhere.close()
  }
})

t.test('F13: a server that accepts and never answers holds up nobody', async (t) => {
  const stub = await startStub(t, () => {})
  const upstream = await startUpstream(t)
  const url = `redis://127.0.0.1:${stub}`
  const [a] = (await startInstances(t, 1, upstream.url, { url }, {}, {}, false)) as [TestApp]
  await readSome(t, a)
  t.equal(await gauge(a, 'layby_redis_up'), 0)
})

t.test('that other instances are not heard is said once, and its end', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [a] = (await startInstances(t, 1, upstream.url, { url: redis.url })) as [TestApp]
  const count = (text: RegExp): number => a.logged().match(text)?.length ?? 0
  await until(() => count(/other instances are heard/g) === 1)
  redis.pause()
  await until(() => count(/other instances are not heard/g) === 1)
  redis.resume()
  await until(() => count(/other instances are heard/g) === 2)
  t.equal(count(/other instances are not heard/g), 1)
})

t.test('F03, R2: while Redis stands still reads lose its budget, and then nothing', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [a, b] = (await startInstances(t, 2, upstream.url, { url: redis.url })) as [
    TestApp,
    TestApp,
  ]
  await untilShared(a, b)
  redis.pause()
  await readSome(t, a)
  await until(async () => (await gauge(a, 'layby_redis_up')) === 0)
  const times: number[] = []
  for (let i = 0; i < 100; i++) {
    const from = performance.now()
    t.equal((await a.get(`/customers/${next++}`)).status, 200)
    times.push(performance.now() - from)
  }
  times.sort((x, y) => x - y)
  t.comment(
    `cold reads with the breaker open: ${times[50]?.toFixed(1)} ms in the median, ${times[98]?.toFixed(1)} ms in 99 %`,
  )
  redis.resume()
  const from = performance.now()
  await untilShared(a, b)
  t.comment(`shared again ${(performance.now() - from).toFixed(0)} ms after Redis went on`)
})

t.test('F17, R5: replies that come too late reach nobody else', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const [a, b] = (await startInstances(t, 2, upstream.url, { url: redis.url })) as [
    TestApp,
    TestApp,
  ]
  for (let i = 1; i <= 200; i++) await a.get(`/customers/${i}`)
  await untilShared(a, b)
  for (let round = 0; round < 6; round++) {
    redis.pause()
    const reads = Array.from({ length: 200 }, (_, i) => b.get(`/customers/${i + 1}`))
    setTimeout(() => redis.resume(), 150)
    for (const [i, reply] of (await Promise.all(reads)).entries()) {
      if (!reply.body.includes(`"id": ${i + 1},`))
        t.fail(`record ${i + 1} was answered with ${reply.body}`)
    }
  }
  t.equal(await gauge(b, 'layby_seal_mismatch_total'), 0)
})

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

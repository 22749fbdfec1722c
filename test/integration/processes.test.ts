/** Several processes as an operator meets them: one port, one operations listener, restarts, signals, exit codes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { HEADERS } from '../helpers/app.ts'
import { until } from '../helpers/instances.ts'
import { startUpstream } from '../helpers/upstream.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const TOKEN = 'admin-token-for-tests-only-0123456789'

function start(t: Test, environment: Record<string, string>) {
  const { PATH = '' } = process.env
  const base = { PATH, LAYBY_SERVER_PORT: '0', LAYBY_OPS_PORT: '0', LAYBY_SERVER_PROCESSES: '2' }
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { ...base, LAYBY_SERVER_DRAIN_DELAY_MS: '0', ...environment },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  t.teardown(() => void child.kill('SIGKILL'))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { child, output: () => text, exited }
}

t.setTimeout(600_000)

t.test('a bad configuration is told once, whoever finds it', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => void taken.close())
  const port = String((taken.address() as { port: number }).port)
  const url = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
  const cases: [Record<string, string>, RegExp][] = [
    [{ ...url, LAYBY_SERVER_PROCESSES: '65' }, /^layby: configuration: server\.processes: /],
    [{ ...url, LAYBY_SERVER_PORT: port }, /^layby: configuration: server\.port: .*EADDRINUSE/],
    [{ ...url, LAYBY_OPS_PORT: port }, /^layby: configuration: ops\.port: .*EADDRINUSE/],
    [{ ...url, LAYBY_UPSTREAM_CA: '/nowhere/ca.pem' }, /^layby: configuration: upstream\.ca: /],
  ]
  for (const [environment, expected] of cases) {
    const running = start(t, environment)
    t.equal(await running.exited, 78)
    const lines = running.output().trim().split('\n')
    t.equal(lines.length, 1, running.output())
    t.match(lines[0], expected)
  }
})

t.test('two workers, one of which is killed, then a drain', async (t) => {
  const upstream = await startUpstream(t)
  const running = start(t, { LAYBY_UPSTREAM_URL: upstream.url, LAYBY_OPS_ADMIN_TOKEN: TOKEN })
  await until(() => running.output().includes('"listening"'))
  const [, url = ''] = /"url":"([^"]+)"/.exec(running.output()) ?? []
  const [, opsUrl = ''] = /"ops_url":"([^"]+)"/.exec(running.output()) ?? []
  const metrics = async (): Promise<string> => (await fetch(`${opsUrl}/metrics`)).text()
  const total = async (name: string): Promise<number> =>
    [...(await metrics()).matchAll(new RegExp(`^${name}(?:{.*})? (.*)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    )
  await until(async () => (await total('layby_workers_listening')) === 2)
  t.equal((await fetch(`${opsUrl}/health/ready`)).status, 200)

  const tags = new Set<string | null>()
  for (let i = 0; i < 20; i++) {
    const reply = await fetch(`${url}/customers/1/`, {
      headers: { ...HEADERS, connection: 'close' },
    })
    t.equal(reply.status, 200)
    tags.add(reply.headers.get('etag'))
    await reply.text()
  }
  t.equal(tags.size, 1, 'the secret that keys the tags is one')
  t.equal(await total('layby_requests_total'), 20, 'what all have answered')
  t.ok((await total('layby_fill_seconds_count')) >= 2, 'each fills its own memory')
  t.match(await metrics(), /^layby_sharing_info\{sharing="witnessed"\} 1$/m, 'which is no sum')
  t.match(await metrics(), /^layby_build_info\{version="[^"]+",node="[^"]+"\} 1$/m, 'nor is this')

  await t.test('what is asked below /admin is answered by a worker', async (t) => {
    const purge = (token: string) =>
      fetch(`${opsUrl}/admin/purge`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"tenant": "7", "customer": "1"}',
      })
    t.equal((await purge('another-token-as-long-as-that-one-is')).status, 401)
    const before = upstream.requests.length
    t.equal((await purge(TOKEN)).status, 202)
    for (let i = 0; i < 8; i++) {
      await (
        await fetch(`${url}/customers/1/`, { headers: { ...HEADERS, connection: 'close' } })
      ).text()
    }
    t.equal(upstream.requests.length, before + 2, 'and holds for all')
    t.equal((await fetch(`${opsUrl}/nothing`)).status, 404)
    const { tenants } = (await (
      await fetch(`${opsUrl}/admin/tenants`, { headers: { authorization: `Bearer ${TOKEN}` } })
    ).json()) as { tenants: { tenant: string; requests: number }[] }
    t.strictSame(
      tenants.map(({ tenant, requests }) => [tenant, requests]),
      [['7', 28]],
      'what all have counted',
    )
  })

  await t.test('the dashboard shows all of them as one', async (t) => {
    t.equal((await fetch(`${opsUrl}/dashboard`)).status, 200)
    const snapshot = (await (await fetch(`${opsUrl}/dashboard/snapshot`)).json()) as {
      isReady: boolean
      startedAt: number | null
      requests: { total: number }
      tenants: { requests: number }[]
      upstream: { name: string; connections: Record<string, number> }
    }
    t.equal(snapshot.isReady, true)
    t.equal(snapshot.upstream.name, new URL(upstream.url).host)
    t.type(snapshot.upstream.connections['idle'], 'number')
    t.ok(snapshot.startedAt)
    t.equal(snapshot.requests.total, 28)
    t.equal(snapshot.tenants[0]?.requests, 28)
    const { points } = (await (await fetch(`${opsUrl}/dashboard/history`)).json()) as {
      points: { values: { memoryShare: number; eventLoopShare: number } }[]
    }
    const shares = points.map(({ values }) => values.memoryShare)
    t.ok(
      shares.some((share) => share > 0),
      'of all of them, and kept by the primary',
    )
    t.ok(points.every(({ values }) => values.eventLoopShare <= 1))
    const events = await fetch(`${opsUrl}/dashboard/events`)
    const { value } = (await events.body!.getReader().read()) as { value: Uint8Array }
    t.match(Buffer.from(value).toString(), /"isReady":true/)
  })

  await t.test('a 401 that one has seen counts for all', async (t) => {
    const ask = async (): Promise<number> => {
      const reply = await fetch(`${url}/customers/2/`, {
        headers: { ...HEADERS, connection: 'close' },
      })
      await reply.text()
      return reply.status
    }
    for (let i = 0; i < 8; i++) t.equal(await ask(), 200)
    upstream.answer((received, res) => {
      // With the version: a pin that is in doubt would send all of them to the API as well.
      const version = received.headers['x-api-version'] ?? '2019/02/08'
      res.writeHead(401, { 'Content-Type': 'application/json', 'X-API-VERSION': version })
      res.end('{}')
    })
    await fetch(`${url}/customers/3/`, { headers: HEADERS }).then((reply) => reply.text())
    for (let i = 0; i < 4; i++) t.equal(await ask(), 401)
  })

  const counted = await total('layby_requests_total')
  const pid = Number(/[0-9]+/.exec(await children(running.child.pid as number))?.[0])
  process.kill(pid, 'SIGKILL')
  await until(async () => (await total('layby_worker_restarts_total')) === 1)
  await until(async () => (await total('layby_workers_listening')) === 2)
  t.match(running.output(), /a worker has ended/)
  t.equal(await total('layby_requests_total'), counted, 'what it had counted stays')
  running.child.kill('SIGTERM')
  t.equal(await running.exited, 0)
})

t.test('a drain finishes what is under way, also when every process gets the signal', async (t) => {
  const upstream = await startUpstream(t)
  const running = start(t, { LAYBY_UPSTREAM_URL: upstream.url, LAYBY_SERVER_DRAIN_DELAY_MS: '300' })
  await until(() => running.output().includes('"listening"'))
  const [, url = ''] = /"url":"([^"]+)"/.exec(running.output()) ?? []
  const [, opsUrl = ''] = /"ops_url":"([^"]+)"/.exec(running.output()) ?? []
  const ready = async (): Promise<number> => (await fetch(`${opsUrl}/health/ready`)).status
  const pid = running.child.pid as number
  const workers = async (): Promise<number[]> =>
    (await children(pid)).split(' ').filter(Boolean).map(Number)
  await until(async () => (await workers()).length === 2)
  upstream.hold()
  const under = Array.from({ length: 8 }, async (_, i) => {
    const reply = await fetch(`${url}/customers/${i + 1}/`, {
      headers: { ...HEADERS, connection: 'close' },
    })
    await reply.text()
    return reply.status
  })
  await upstream.received(8)
  for (const each of [pid, ...(await workers())]) process.kill(each, 'SIGTERM')
  await until(async () => (await ready()) === 503)
  upstream.release()
  t.strictSame(await Promise.all(under), Array(8).fill(200))
  t.equal(await running.exited, 0)
  t.notMatch(running.output(), /a worker has ended/)
})

t.test('a signal in the start ends it at once: no worker is started only to leave', async (t) => {
  const running = start(t, {
    LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9',
    LAYBY_SERVER_PROCESSES: '8',
    LAYBY_SERVER_DRAIN_TIMEOUT_MS: '60000',
  })
  const pid = running.child.pid as number
  const count = async (): Promise<number> =>
    (await children(pid).catch(() => '')).split(' ').filter(Boolean).length
  await until(async () => (await count()) === 1)
  running.child.kill('SIGTERM')
  let most = 0
  await until(async () => {
    most = Math.max(most, await count())
    return running.child.exitCode !== null
  })
  t.equal(most, 1)
  t.equal(await running.exited, 0)
  t.notMatch(running.output(), /"(?:error|fatal)"|"listening"/)
})

async function children(pid: number): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
}

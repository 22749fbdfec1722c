/**
 * `npm run bench:redis`: what the Redis tier costs and saves, with real instances in processes of their own.
 *
 *  - a hit from memory, a hit from Redis, and a direct call to the upstream, in turns, one at a time;
 *  - a cold miss, without and with Redis, against a direct call: what is added;
 *  - 1,000 cold keys asked for through three instances at once: how often the upstream was asked.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Agent } from 'undici'
import { provideRedis } from '../demo/redis-server.ts'
import { systemClock } from '../src/lib/clock.ts'
import { benchFile, repositoryRoot } from './paths.ts'
import { customerBody } from './peers/customer-body.ts'

const ROUNDS = 1_000
const WARM_UP = 200
const COLD_KEYS = 1_000
const VERSION = '2023/04/19'
const HEADERS = {
  authorization: 'Bearer bench-token.0',
  'x-tenant-id': '7',
  'x-api-version': VERSION,
}

interface Instance {
  readonly url: string
  readonly process: ChildProcess
}

async function startInstance(upstreamUrl: string, redisUrl: string | null): Promise<Instance> {
  const entry = join(repositoryRoot, '.build/src/main.js')
  const child = spawn(process.execPath, ['--max-semi-space-size=32', entry], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      LAYBY_SERVER_PORT: '0',
      LAYBY_OPS_PORT: '0',
      LAYBY_UPSTREAM_URL: upstreamUrl,
      // One tenant asks for all the cold keys at once: its share of the API is not what is measured.
      LAYBY_UPSTREAM_CONNECTIONS: `${COLD_KEYS}`,
      LAYBY_UPSTREAM_TENANT_READS: `${COLD_KEYS}`,
      ...(redisUrl === null
        ? {}
        : { LAYBY_REDIS_URL: redisUrl, LAYBY_SECRET: 'for the benchmark only, 32 or more' }),
    },
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url !== undefined) {
      child.stdout.resume()
      return { url, process: child }
    }
  }
  throw new Error('an instance did not start')
}

const agent = new Agent({ connections: 3_000 })

async function ask(
  origin: string,
  id: number,
): Promise<{ ms: number; told: string; status: number }> {
  const from = systemClock.monotonic()
  const path = `/customers/${id}/`
  const { headers, body, statusCode } = await agent.request({
    origin,
    path,
    method: 'GET',
    headers: HEADERS,
  })
  await body.text()
  return {
    ms: systemClock.monotonic() - from,
    told: String(headers['cache-status']),
    status: statusCode,
  }
}

interface Row {
  readonly what: string
  readonly p50Ms: number
  readonly p99Ms: number
}

function rowOf(what: string, times: readonly number[]): Row {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): number => {
    return Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 1000) / 1000
  }
  return { what, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** In turns, so that what disturbs one disturbs all. */
async function interleave(
  rows: Readonly<Record<string, (i: number) => Promise<number>>>,
): Promise<Row[]> {
  const times = new Map(Object.keys(rows).map((what) => [what, [] as number[]]))
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    for (const [what, measure] of Object.entries(rows)) {
      const ms = await measure(i)
      if (i >= WARM_UP) times.get(what)?.push(ms)
    }
  }
  return [...times].map(([what, all]) => rowOf(what, all))
}

async function expecting(origin: string, id: number, expected: RegExp): Promise<number> {
  const { ms, told } = await ask(origin, id)
  if (!expected.test(told)) throw new Error(`expected ${expected}, and was told ${told}`)
  return ms
}

async function main(): Promise<void> {
  let requests = 0
  let delayMs = 0
  const upstream = createServer((_req, res) => {
    requests++
    const answer = (): void => {
      res.writeHead(200, { 'content-type': 'application/json', 'x-api-version': VERSION })
      res.end(customerBody)
    }
    if (delayMs === 0) answer()
    else setTimeout(answer, delayMs)
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const redis = await provideRedis(process.env['LAYBY_REDIS_URL'])
  const alone = await startInstance(origin, null)
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => startInstance(origin, redis.url)))
  if (!a || !b || !c) throw new Error('three instances are needed')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const rows = await interleave({
    'direct call to the upstream': async (i) => (await ask(origin, 1_000_000 + i)).ms,
    'cold miss, no Redis': (i) => expecting(alone.url, 1_000_000 + i, /stored/),
    'cold miss, with Redis': (i) => expecting(a.url, 2_000_000 + i, /stored/),
    'hit from Redis': async (i) => {
      await new Promise((resolve) => setTimeout(resolve, 2))
      return expecting(b.url, 2_000_000 + i, /detail=redis/)
    },
    'hit from memory': (i) => expecting(b.url, 2_000_000 + i, /detail=memory/),
  })
  // As slow as reliability U2 has it: what is asked twice is asked in that time.
  delayMs = 500
  const before = requests
  const from = systemClock.monotonic()
  const keys = Array.from({ length: COLD_KEYS }, (_, i) => 3_000_000 + i)
  const reads = [a, b, c].flatMap(({ url }) => keys.map((key) => ask(url, key)))
  const answers = await Promise.all(reads)
  const cold = {
    keys: COLD_KEYS,
    reads: 3 * COLD_KEYS,
    answered: answers.filter(({ status }) => status === 200).length,
    upstreamRequests: requests - before,
    ms: Math.round(systemClock.monotonic() - from),
  }
  report(rows, cold)
  for (const { process } of [alone, a, b, c]) process.kill()
  redis.stop()
  upstream.closeAllConnections()
  upstream.close()
  await agent.destroy()
}

function report(rows: readonly Row[], cold: Readonly<Record<string, number>>): void {
  for (const { what, p50Ms, p99Ms } of rows) {
    console.log(`${what.padEnd(30)} p50 ${p50Ms.toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms`)
  }
  const direct = rows[0]?.p50Ms ?? 0
  for (const { what, p50Ms } of rows.slice(1, 3)) {
    console.log(`${what}: ${(p50Ms - direct).toFixed(3)} ms more than a direct call (p50)`)
  }
  console.log(
    `${cold['reads']} reads of ${cold['keys']} cold keys through three instances at once: ` +
      `${cold['answered']} answered with 200, ${cold['upstreamRequests']} upstream requests, ${cold['ms']} ms`,
  )
  const file = benchFile('results', 'redis.json')
  writeFileSync(file, `${JSON.stringify({ rows, cold }, null, 2)}\n`)
}

await main()

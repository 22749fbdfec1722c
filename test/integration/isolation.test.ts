/**
 * No answer ever reaches anyone but whom the upstream gave it to (reliability S1, S2, S5): a fifth of the
 * answers in peace, two fifths with requests bent by the rows of reliability section 3, two fifths while
 * Redis fails and its values are exchanged for one another. Three instances, one Redis.
 * ISOLATION_RESPONSES and SEED lengthen and repeat it.
 */
import { createHash } from 'node:crypto'
import t from 'tap'
import { Agent } from 'undici'
import { seededRandom } from '../../demo/data.ts'
import { createLogger } from '../../src/lib/logger.ts'
import type { TestApp } from '../helpers/app.ts'
import { startInstances } from '../helpers/instances.ts'
import { type RedisServer, startRedis } from '../helpers/redis-servers.ts'
import { untracked } from '../helpers/untracked.ts'
import { startUpstream } from '../helpers/upstream.ts'

const RESPONSES = Number(process.env['ISOLATION_RESPONSES'] ?? 50_000)
const CONCURRENCY = 48
const TENANTS = ['9007199254740992', '9007199254740993', '7', '70', '8']
const TOKENS = 8
const CUSTOMERS = 12
const VERSION = '2023/04/19'
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

t.setTimeout(3_600_000)

const tokenOf = (n: number): string =>
  `token-${n}.${createHash('sha256').update(`${n}`).digest('hex')}`
/** Two tokens see the same, the next two something else: so that freshness is shared, and views differ. */
const viewOf = (token: string): string =>
  `view ${Math.floor(Number(/-(\d+)\./.exec(token)?.[1]) / 2)}`
const bodyOf = (tenant: string, id: string, token: string): string =>
  `{"tenant": "${tenant}", "id": ${id}, "view": "${viewOf(token)}", "parent_id": null}`

interface Asked {
  readonly tenant: string
  readonly id: string
  readonly token: string
  readonly headers: string[]
  readonly path: string
}

type Bend = (asked: Asked, random: () => number) => Partial<Asked>

/** Rows of reliability section 3 that a client library can send; the raw ones are in hostile-input.test.ts. */
const BENDS: readonly Bend[] = [
  ({ headers, tenant }) => ({ headers: [...headers, 'x-tenant-id', tenant === '7' ? '8' : '7'] }),
  ({ headers }) => ({ headers: [...headers, 'x_tenant_id', '8'] }),
  ({ headers }) => ({ headers: [...headers, 'authorization', `Bearer ${tokenOf(1)}`] }),
  ({ headers }) => ({ headers: [...headers, 'x-original-url', '/customers/1'] }),
  ({ headers }) => ({ headers: [...headers, 'x-http-method-override', 'PATCH'] }),
  ({ headers }) => ({ headers: [...headers, 'x-forwarded-host', 'elsewhere.example'] }),
  ({ headers }) => ({ headers: replaced(headers, 'x-tenant-id', '007') }),
  ({ headers }) => ({ headers: replaced(headers, 'x-tenant-id', '7, 8') }),
  ({ headers }) => ({ headers: replaced(headers, 'x-api-version', '1999/01/01') }),
  ({ headers }) => ({ headers: replaced(headers, 'authorization', 'Basic abc') }),
  ({ headers }) => ({ headers: [...headers, 'range', 'bytes=0-0'] }),
  ({ headers }) => ({ headers: [...headers, 'cache-control', 'no-cache'] }),
  ({ headers }) => ({ headers: [...headers, 'cache-control', 'max-age=0, no-store'] }),
  ({ headers }) => ({ headers: [...headers, 'if-none-match', '*'] }),
  ({ id }) => ({ path: `/customers/${id}/` }),
  ({ id }) => ({ path: `/customers/0${id}` }),
  ({ id }) => ({ path: `/customers/${id}?a=1` }),
  ({ id }) => ({ path: `/customers/%3${id}` }),
  ({ id }, random) => ({ path: `/customers/${id}/../${1 + Math.floor(random() * 9)}` }),
]

function replaced(headers: readonly string[], name: string, value: string): string[] {
  return headers.map((each, i) => (headers[i - 1] === name && i % 2 === 1 ? value : each))
}

t.test(`${RESPONSES} answers, none of them another's`, async (t) => {
  t.comment(`seed ${seed}`)
  await untracked(t)
  const world = await prepare(t, {})
  const fifth = Math.floor(RESPONSES / 5)
  const counts = { clean: await world.ask(fifth, false), bent: await world.ask(2 * fifth, true) }
  const torment = tormentRedis(world.redis)
  const faulty = await world.ask(2 * fifth, false)
  await torment.end()
  const all = { ...counts, faulty }
  t.comment(JSON.stringify(all))
  for (const [phase, { foreign, hits, answers }] of Object.entries(all)) {
    t.equal(foreign, 0, `foreign bytes, ${phase}`)
    t.ok(hits > answers / 20, `the cache took part, ${phase}`)
  }
  t.equal(faulty.faults, 0, 'and no fault of Redis was a client’s')
})

t.test(
  'even if all credentials had the same keys, nobody would be given anything foreign',
  async (t) => {
    await untracked(t)
    const world = await prepare(t, { partitionOf: () => 'everybody' })
    const counts = await world.ask(Math.max(5_000, RESPONSES / 50), false)
    t.comment(JSON.stringify(counts))
    t.equal(counts.foreign, 0)
    t.ok(counts.hits > 0)
  },
)

interface Counts {
  answers: number
  hits: number
  refused: number
  foreign: number
  faults: number
}

async function prepare(
  t: Parameters<typeof startRedis>[0],
  overrides: { partitionOf?: () => string },
) {
  const log = createLogger('silent')
  const redis = await startRedis(t)
  const random = seededRandom(`isolation/${seed}`)
  const upstream = await startUpstream(t, ({ url, headers }, res) => {
    const id = /^\/customers\/([0-9]+)\/?(\?|$)/.exec(url)?.[1]
    const token = String(headers.authorization).slice('Bearer '.length)
    const body = id === undefined ? '{}' : bodyOf(String(headers['x-tenant-id']), id, token)
    const version = headers['x-api-version'] ?? VERSION
    res.writeHead(200, { 'Content-Type': 'application/json', 'X-API-VERSION': version })
    res.end(body)
  })
  // Little memory and short lives: much comes from Redis.
  const values = { cache: { memory: { maxBytes: 300_000 }, maxBodyBytes: 10_000, ttlMs: 10_000 } }
  const settings = { url: redis.url }
  const instances = await startInstances(t, 3, upstream.url, settings, values, {
    log,
    ...overrides,
  })
  const forget = (): void => {
    for (const one of [upstream, ...instances]) one.forget()
  }
  const agent = new Agent({ connections: CONCURRENCY })
  t.teardown(() => agent.destroy())
  const ask = async (answers: number, isBent: boolean): Promise<Counts> => {
    const counts = { answers: 0, hits: 0, refused: 0, foreign: 0, faults: 0 }
    const work = async (): Promise<void> => {
      while (counts.answers < answers) {
        if (++counts.answers % 1_000 === 0) forget()
        await askOnce(agent, pick(instances, random), random, isBent, counts)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    return counts
  }
  return { redis, ask }
}

async function askOnce(
  agent: Agent,
  instance: TestApp,
  random: () => number,
  isBent: boolean,
  counts: Counts,
): Promise<void> {
  const tenant = pick(TENANTS, random)
  const id = String(1 + Math.floor(random() ** 2 * CUSTOMERS))
  const token = tokenOf(Math.floor(random() * TOKENS))
  const given = [
    'authorization',
    `Bearer ${token}`,
    'x-tenant-id',
    tenant,
    'x-api-version',
    VERSION,
  ]
  const plain: Asked = { tenant, id, token, headers: given, path: `/customers/${id}` }
  const asked = isBent ? { ...plain, ...pick(BENDS, random)(plain, random) } : plain
  const { path, headers } = asked
  const response = await agent.request({ origin: instance.url, path, method: 'GET', headers })
  const text = await response.body.text()
  const { statusCode } = response
  if (/; hit/.test(String(response.headers['cache-status']))) counts.hits++
  if (statusCode >= 500) counts.faults++
  else if (statusCode >= 400) counts.refused++
  else if (statusCode === 200 && text !== bodyOf(tenant, id, token)) counts.foreign++
  if (statusCode !== 200 && /"view"/.test(text)) counts.foreign++
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)] as T
}

/** Kills and stops Redis, flushes it, and exchanges values for one another, until told to end. */
function tormentRedis(redis: RedisServer): { end(): Promise<void> } {
  let isOver = false
  const steps: (() => Promise<unknown>)[] = [
    () => exchange(redis),
    async () => {
      redis.pause()
      await pause(300)
      redis.resume()
    },
    () => redis.cli('FLUSHALL'),
    () => exchange(redis),
    async () => {
      await redis.kill()
      await pause(400)
      await redis.start()
    },
    () => redis.cli('CLIENT', 'KILL', 'TYPE', 'normal'),
  ]
  const run = async (): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      await steps[i % steps.length]?.()
      // After a loss Redis is left alone for a while; then it is to be used again.
      await pause(i % steps.length === 4 ? 3_000 : 1_200)
    }
  }
  const running = run()
  return {
    end: async () => {
      isOver = true
      await running
    },
  }
}

/** Every record is put in the place of another. */
async function exchange(redis: RedisServer): Promise<void> {
  await redis.cli(
    'EVAL',
    `local keys = redis.call('KEYS', '*')
     for i = 2, #keys do
       if string.find(keys[i], ':[gar]:') then redis.pcall('COPY', keys[i - 1], keys[i], 'REPLACE') end
     end
     return #keys`,
    '0',
  )
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

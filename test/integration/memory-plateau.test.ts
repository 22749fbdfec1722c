/**
 * Memory is bounded in bytes (reliability P2): far more entries than fit, of 0.2 to 64 KB, then a long time of mixed
 * reads. `P2_ENTRIES` and `P2_SOAK_MINUTES` set how many and how long; 1,000,000 and 30 for a release. For other
 * questions, `P2_BODY_BYTES` gives all bodies one size, and `P2_ACCEPT_ENCODING` is what the clients take.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { seededRandom } from '../../demo/data.ts'
import { HEADERS } from '../helpers/app.ts'
import { type LaybyProcess, startLayby } from '../helpers/layby-process.ts'
import { quantile } from '../helpers/open-load.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const ENTRIES = Number(process.env['P2_ENTRIES'] ?? 10_000)
const SOAK_MINUTES = Number(process.env['P2_SOAK_MINUTES'] ?? 0.1)
const BODY_BYTES = Number(process.env['P2_BODY_BYTES'] ?? 0)
const ACCEPT_ENCODING = process.env['P2_ACCEPT_ENCODING'] ?? 'identity'
const SIZES = BODY_BYTES > 0 ? `${BODY_BYTES} bytes` : '0.2 to 64 KB'
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const TIER_MIB = 64
/** The same load without a tier; a level is there within seconds. */
const BASELINE_MINUTES = Math.min(SOAK_MINUTES, 0.5)
const PER_SECOND = 300
/** Less says nothing of a slope: the collector's own ups and downs are larger. */
const MIN_SLOPE_MINUTES = 5
const WORKERS = 16
const random = seededRandom(`plateau/${SEED}`)
const isLinux = process.platform === 'linux'

/** Bytes, from 0.2 to 64 KB, each size class as likely as the next, if no size was asked for. */
function someSize(): number {
  if (BODY_BYTES > 0) return BODY_BYTES
  return Math.round(200 * (64_000 / 200) ** random())
}

interface Load {
  readonly layby: LaybyProcess
  readonly agent: Agent
  failed: number
}

async function read({ layby, agent }: Load, id: number): Promise<number> {
  const options = { origin: layby.url, path: `/customers/${id}`, method: 'GET' } as const
  const headers = { ...HEADERS, 'accept-encoding': ACCEPT_ENCODING }
  const reply = await agent.request({ ...options, headers })
  await reply.body.dump()
  return reply.statusCode
}

async function startLoad(t: Test, upstreamUrl: string, tierMiB: number): Promise<Load> {
  const layby = await startLayby(t, upstreamUrl, {
    flags: ['--max-semi-space-size=32'],
    environment: {
      LAYBY_CACHE_MEMORY_MAX_BYTES: String(tierMiB * 2 ** 20),
      LAYBY_CACHE_TTL_MS: String(3_600_000),
    },
  })
  const agent = new Agent({ connections: WORKERS })
  t.teardown(() => agent.destroy())
  return { layby, agent, failed: 0 }
}

/** Reads so many different customers, as fast as they come. */
async function fill(load: Load, count: number): Promise<void> {
  let next = 1
  const work = async (): Promise<void> => {
    while (next <= count) if ((await read(load, next++)) !== 200) load.failed++
  }
  await Promise.all(Array.from({ length: WORKERS }, work))
}

/** By Layby's own estimate. */
async function tierBytes({ layby, agent }: Load): Promise<number> {
  const { opsUrl: origin } = layby
  const reply = await agent.request({ origin, path: '/metrics', method: 'GET' })
  return Number(/^layby_memory_bytes (.*)$/m.exec(await reply.body.text())?.[1])
}

interface Sample {
  readonly minutes: number
  readonly mebibytes: number
}

/** A steady load of reads over all that was ever read, and what memory it takes every second. */
async function soak(load: Load, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = []
  const from = performance.now()
  const passed = (): number => (performance.now() - from) / 60_000
  let sent = 0
  const sending = new Set<Promise<void>>()
  while (passed() < minutes) {
    for (; sent < passed() * 60 * PER_SECOND; sent++) {
      // The square makes some far more frequent than others.
      const one = read(load, 1 + Math.floor(random() ** 2 * ENTRIES))
        .then((status) => void (status === 200 || load.failed++))
        .finally(() => sending.delete(one))
      sending.add(one)
    }
    if (samples.length < passed() * 60) {
      samples.push({ minutes: passed(), mebibytes: load.layby.memory().now })
    }
    await delay(5)
  }
  await Promise.all(sending)
  return samples
}

/** The median: what is resident goes up and down with the collector. */
function plateauOf(samples: readonly Sample[]): number {
  return quantile(
    samples.map(({ mebibytes }) => mebibytes),
    0.5,
  )
}

/** MiB a minute, by least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (one: Sample) => number): number =>
    samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const [x, y] = [mean((one) => one.minutes), mean((one) => one.mebibytes)]
  const along = mean((one) => (one.minutes - x) * (one.mebibytes - y))
  return along / mean((one) => (one.minutes - x) ** 2)
}

t.setTimeout((SOAK_MINUTES * 60 + 300 + ENTRIES / 500) * 1_000)

t.test(
  `P2: ${ENTRIES} entries of ${SIZES}, then ${SOAK_MINUTES} minutes of reads`,
  { skip: !isLinux },
  async (t) => {
    t.comment(`seed ${SEED}`)
    await untracked(t)
    const text = 'driver notes, '.repeat(5_000)
    const upstream = await startUpstream(t, (received, res) => {
      sendJson(res, received, `{"parent_id":null,"pad":"${text.slice(0, someSize())}"}`)
      if (upstream.requests.length > 10_000) upstream.forget()
    })
    // The same reads with a tier of one mebibyte: what Node itself takes for them.
    const without = await startLoad(t, upstream.url, 1)
    await fill(without, Math.min(ENTRIES, 50_000))
    const baseline = plateauOf(await soak(without, BASELINE_MINUTES))
    await without.layby.end()
    const load = await startLoad(t, upstream.url, TIER_MIB)
    await fill(load, ENTRIES)
    t.ok((await tierBytes(load)) > 0.9 * TIER_MIB * 2 ** 20, 'the tier is full')
    const samples = await soak(load, SOAK_MINUTES)
    const { most } = load.layby.memory()
    const plateau = plateauOf(samples)
    const slope = slopeOf(samples.slice(Math.floor(samples.length / 3)))
    t.equal(without.failed + load.failed, 0)
    t.ok(plateau - baseline <= TIER_MIB * 1.4, `${(plateau - baseline).toFixed(0)} MiB more`)
    if (SOAK_MINUTES >= MIN_SLOPE_MINUTES) t.ok(slope <= 1, `${slope.toFixed(2)} MiB a minute`)
    t.comment(
      `P2: ${ENTRIES} entries, ${plateau.toFixed(0)} MiB resident in the median, ${most.toFixed(0)} at most, ${baseline.toFixed(0)} without a tier, ${slope.toFixed(2)} MiB a minute over ${SOAK_MINUTES} minutes`,
    )
  },
)

/**
 * Many keys that have just expired, asked for through three instances at once (reliability U2). `U2_CLIENTS` of
 * each instance ask for `U2_KEYS` keys; 1,000 and 100 for a release. Cold keys: `redis-bursts.test.ts`.
 */
import t, { type Test } from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import type { TestApp } from '../helpers/app.ts'
import { startInstances } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { until } from '../helpers/until.ts'
import { type ScriptedUpstream, sendJson, startUpstream } from '../helpers/upstream.ts'

const CLIENTS = Number(process.env['U2_CLIENTS'] ?? 300)
const KEYS = Number(process.env['U2_KEYS'] ?? 100)
const PATHS = Array.from({ length: KEYS }, (_, i) => `/customers/${i + 1}`)
const ASKED_FOR = Math.min(KEYS, CLIENTS)
/** In real time: Redis has no other. */
const BODY_SECONDS = 2
/**
 * The new ones live no longer, from when the upstream was asked for them: it must be longer than the burst takes,
 * or each instance rightly asks again for what has expired on its way.
 */
const GRANT_MS = 2_000 + 6 * CLIENTS
/** A busy machine is no fault of the upstream. */
const PATIENT = { headersTimeoutMs: 60_000, totalTimeoutMs: 60_000 }

t.setTimeout(600_000)

interface Counted extends ScriptedUpstream {
  /** Of each path, how often it was asked for since it was cleared. */
  readonly asked: Map<string, number>
  body: string
  /** Of what is answered from now on; empty: for as long as Layby likes. */
  cacheControl: Record<string, string>
}

async function startCounted(t: Test): Promise<Counted> {
  const asked = new Map<string, number>()
  const upstream = await startUpstream(t, (received, res) => {
    asked.set(received.url, (asked.get(received.url) ?? 0) + 1)
    sendJson(res, received, counted.body, counted.cacheControl)
  })
  const counted = Object.assign(upstream, { asked, body: bodyOf('old'), cacheControl: {} })
  return counted
}

function bodyOf(name: string): string {
  return `{"id": 1, "parent_id": 9, "name": "${name}"}`
}

/** Until all come from the memory of each instance, however long that takes on this machine. */
async function warm(instances: readonly TestApp[]): Promise<void> {
  await until(async () => {
    const reads = instances.flatMap((each) => PATHS.map((path) => each.get(path)))
    const told = (await Promise.all(reads)).map(({ headers }) => `${headers['cache-status']}`)
    return told.every((each) => /; hit;.*detail=memory/.test(each))
  }, 'that all keys are warm')
}

/** All at once, answered when all have come. Milliseconds that it took, and how often each key was asked for. */
async function burst(t: Test, instances: readonly TestApp[], upstream: Counted) {
  upstream.asked.clear()
  upstream.body = bodyOf('new')
  upstream.cacheControl = {}
  upstream.hold()
  const before = upstream.requests.length
  const looked = instances.map(({ reports }) => reports.length + CLIENTS)
  const from = performance.now()
  const clients = Array.from({ length: CLIENTS }, (_, i) => PATHS[i % KEYS] as string)
  const reads = instances.flatMap((each) => clients.map((path) => each.get(path)))
  await Promise.all(instances.map((each, i) => each.lookedUp(looked[i] as number)))
  await upstream.received(before + ASKED_FOR)
  upstream.release()
  const replies = await Promise.all(reads)
  const answers = new Set(replies.map(({ status, body }) => `${status} ${body}`))
  t.strictSame([...answers], [`200 ${bodyOf('new')}`])
  const times = [...upstream.asked.values()]
  t.equal(times.length, ASKED_FOR)
  return {
    tookMs: performance.now() - from,
    most: Math.max(...times),
    sum: times.reduce((sum, each) => sum + each, 0),
  }
}

for (const [what, lifetimeMs] of [
  ['bodies', BODY_SECONDS * 1_000],
  ['grants', GRANT_MS],
] as const)
  t.test(`U2: a burst for just expired ${what} asks twice at most for each key`, async (t) => {
    const redis = await startRedis(t)
    const upstream = await startCounted(t)
    if (what === 'bodies') upstream.cacheControl = { 'Cache-Control': `max-age=${BODY_SECONDS}` }
    const values = {
      cache: what === 'grants' ? { grantTtlMs: GRANT_MS } : {},
      // One tenant's reads never take more than a half of all connections.
      upstream: { connections: 2 * KEYS, tenantReads: KEYS, ...PATIENT },
    }
    const instances = await startInstances(t, 3, upstream.url, { url: redis.url }, values)
    await warm(instances)
    // Whatever was filled, was filled before now.
    const end = systemClock.monotonic() + lifetimeMs
    await until(() => systemClock.monotonic() >= end)
    const { tookMs, most, sum } = await burst(t, instances, upstream)
    const figures = `${sum} upstream requests for ${ASKED_FOR} just expired keys (${what}), ${most} for one at most`
    t.comment(`U2: ${figures}, ${3 * CLIENTS} reads through 3 instances`)
    if (what === 'grants' && tookMs >= GRANT_MS) {
      t.comment(`not measured: they expired again in the ${tookMs.toFixed(0)} ms that it took`)
    } else t.ok(most <= 2, figures)
  })

/** What every fence store must do, done by the one in Redis. */
import t from 'tap'
import {
  type FenceStamp,
  type Fences,
  holdsButForMarks,
  type OpenFence,
  type PendingWrite,
  type WriteFences,
} from '../../src/cache/fence.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { createSharedState, type SharedState } from '../../src/stores/redis.ts'
import { until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'

const SILENT = {
  mismatched: () => {},
  busGap: () => {},
  busChanged: () => {},
  agreementChanged: () => {},
  switchesMissing: () => {},
  switchesUnreadable: () => {},
  outdated: () => {},
  heard: () => {},
  redisChanged: () => {},
  redisFailed: () => {},
  writableChanged: () => {},
  invalidationsLost: () => {},
}

async function join(t: Parameters<typeof startRedis>[0], url: string): Promise<SharedState> {
  const state = createSharedState({
    settings: {
      mode: 'standalone',
      url,
      nodes: [],
      sentinelName: 'mymaster',
      username: null,
      password: null,
      sentinelPassword: null,
      tls: false,
      ca: null,
      commandTimeoutMs: 500,
      keyPrefix: 'layby',
      nameSecret: null,
    },
    clock: systemClock,
    memory: createMemoryStore({ maxBytes: 100_000 }),
    secrets: ['a secret for tests only, 32 long and more'],
    maxFences: 1_000,
    maxBodyBytes: 1_000,
    fillTimeoutMs: 10_000,
    lifetimes: [10_000],
    observer: SILENT,
    tenants: { set: () => {} },
    onPinChange: () => {},
    onPinsMissed: () => {},
  })
  t.teardown(() => state.close())
  await until(() => state.isBusLive && state.isTrusted)
  return state
}

const A = '1:s1:78:customer1:1'
const B = '1:s1:78:customer1:2'
const KIN = '1:n1:7'
const FAMILY = '1:f1:78:customer1:9'
const CREDENTIAL = '1:k3:abc'

t.test('two instances agree on fences', async (t) => {
  const redis = await startRedis(t)
  const one = (await join(t, redis.url)).fences
  const two = (await join(t, redis.url)).fences
  const hears = (fences: Fences, stamp: FenceStamp): Promise<void> =>
    until(() => !fences.holds(stamp))

  await t.test('what one opens, the other opens with the same values', async (t) => {
    const here = await one.open([A, CREDENTIAL], KIN)
    const there = await two.open([A, CREDENTIAL], KIN)
    t.strictSame(there, here)
    t.ok(one.holds(here.stamp) && two.holds(here.stamp))
  })

  await t.test('a change by one ends what the other holds, and no more', async (t) => {
    const { stamp } = await two.open([A], null)
    const kept = await two.open([B], null)
    await one.change([A])
    await hears(two, stamp)
    t.ok(two.holds(kept.stamp))
    t.notSame((await two.open([A], null)).stamp, stamp)
  })

  await t.test(
    'a write that one has announced is pending for the other, until it is settled',
    async (t) => {
      const before = await two.open([A], null)
      const write = await one.begin([A], 5_000)
      await hears(two, before.stamp)
      t.equal((await two.open([A], null)).pending, true)
      t.equal((await one.open([A], null)).pending, true)
      await one.settle(write, [], 0)
      await until(async () => !(await two.open([A], null)).pending)
      const after = await two.open([A], null)
      t.ok(two.holds(after.stamp))
      t.notOk(two.holds(before.stamp))
    },
  )

  await t.test(
    'of two writes at once, through both, the later to settle ends the wait',
    async (t) => {
      const first = await one.begin([A], 5_000)
      const second = await two.begin([A], 5_000)
      await one.settle(first, [], 0)
      t.equal((await one.open([A], null)).pending, true)
      await two.settle(second, [], 0)
      await until(async () => !(await one.open([A], null)).pending)
    },
  )

  await t.test(
    'a writer that dies leaves a mark that runs out, and that counts as a change',
    async (t) => {
      const before = await two.open([B], null)
      await one.begin([B], 300)
      await hears(two, before.stamp)
      await until(async () => !(await two.open([B], null)).pending)
      t.notOk(two.holds(before.stamp))
    },
  )

  await t.test('a write of unknown outcome stays pending for as long as asked', async (t) => {
    await one.settle(await one.begin([B], 5_000), [], 600)
    t.equal((await two.open([B], null)).pending, true)
    await until(async () => !(await two.open([B], null)).pending)
  })

  await t.test('a fill that a change has overtaken is not extended, on either', async (t) => {
    for (const [reader, writer] of [
      [one, two],
      [two, one],
      [one, one],
    ] as [Fences, Fences & WriteFences][]) {
      const open: OpenFence = await reader.open([A], KIN)
      t.ok(await reader.extend(open, [FAMILY]))
      await writer.change([FAMILY, KIN])
      await until(async () => (await reader.extend(open, [FAMILY])) === null)
      t.ok(await reader.extend(open, []), 'without a family it does not matter')
      await writer.change([A])
      await until(async () => (await reader.extend(open, [])) === null)
    }
  })

  await t.test('a mark by one leaves what the other holds true, and stale', async (t) => {
    // What is heard in the middle of a reading makes it worthless: read until it is not.
    const opened = async (fences: Fences): Promise<FenceStamp> => {
      let stamp: FenceStamp = []
      await until(async () => {
        ;({ stamp } = await fences.open([A, B], null))
        return fences.holds(stamp)
      })
      return stamp
    }
    for (const [marker, holder] of [
      [one, two],
      [one, one],
    ] as const) {
      const stamp = await opened(holder)
      t.equal(await marker.mark([A]), true)
      await hears(holder, stamp)
      const anew = await opened(holder)
      t.ok(holdsButForMarks(holder, stamp))
      t.notSame(anew, stamp)
      await marker.mark([A])
      await hears(holder, anew)
      await opened(holder)
      for (const each of [stamp, anew]) t.ok(holdsButForMarks(holder, each))
      await marker.change([A])
      await until(() => !holdsButForMarks(holder, anew))
      await opened(holder)
      for (const each of [stamp, anew]) t.notOk(holdsButForMarks(holder, each))
    }
  })

  await t.test('a mark leaves a write under way alone, and makes what is missing', async (t) => {
    const write = await one.begin([B], 5_000)
    await two.mark([B])
    t.equal((await two.open([B], null)).pending, true)
    await one.settle(write, [], 0)
    await until(async () => !(await two.open([B], null)).pending)
    const { stamp } = await two.open([B], null)
    await redis.cli('FLUSHALL')
    await one.mark([B])
    await hears(two, stamp)
    await two.open([B], null)
    t.notOk(holdsButForMarks(two, stamp))
  })

  await t.test('peeking tells a change by the other', async (t) => {
    await two.open([A], null)
    const before = two.peek([A, B])
    t.equal(two.peek([A, B]), before)
    await one.change([A])
    await until(() => two.peek([A, B]) !== before)
  })
})

t.test('what Redis could not be told is not used, and told when it is back', async (t) => {
  const redis = await startRedis(t)
  const one = await join(t, redis.url)
  const two = await join(t, redis.url)
  const { stamp } = await one.fences.open([A], null)
  await redis.kill()
  const write: PendingWrite = await one.fences.begin([A], 5_000)
  await one.fences.settle(write, [], 0)
  t.notOk(one.fences.holds(stamp))
  t.equal((await one.fences.open([A], null)).pending, true, 'nothing is stored under it')
  await until(() => !two.fences.holds(stamp))
  await redis.start()
  await until(async () => {
    const here = await one.fences.open([A], null)
    const there = await two.fences.open([A], null)
    return !here.pending && JSON.stringify(here) === JSON.stringify(there)
  })
})

/** The process does nothing else for longer than the lease: nothing that was known before is believed any more. */
function lapse(): void {
  const end = performance.now() + 1_200
  while (performance.now() < end);
}

t.test('what was left lying while the process had no time is asked for again', async (t) => {
  const redis = await startRedis(t)
  const { fences, tier } = await join(t, redis.url)
  const opening = fences.open([A, CREDENTIAL], KIN)
  lapse()
  const opened = await opening
  t.equal(opened.pending, false)
  t.ok(fences.holds(opened.stamp))
  const reading = tier.read(
    {
      tenant: '7',
      viewKey: '1:v1:a',
      fences: [B],
      credentials: [
        {
          partition: 'xyz',
          grantKey: '1:g1:a',
          admissionKey: '1:a1:a',
          scope: '',
          seal: Buffer.alloc(32),
        },
      ],
      isProvisional: false,
    },
    '1:x1:a',
  )
  lapse()
  const { found, turn } = await reading
  t.equal(found?.grant, null)
  t.equal(turn?.isOurs, true)
  turn?.end()
  t.not(fences.sight(B).value, null)
})

t.test('a fill outlives a pause of its process, if nothing has changed meanwhile', async (t) => {
  const redis = await startRedis(t)
  const one = (await join(t, redis.url)).fences
  const two = (await join(t, redis.url)).fences
  for (const changed of [[], [A], [KIN]]) {
    const opened = await one.open([A, B], KIN)
    if (changed.length > 0) void two.change(changed)
    await until(() => changed.length === 0 || !one.holds(opened.stamp) || changed[0] === KIN)
    lapse()
    t.notOk(one.holds(opened.stamp))
    const stamp = await one.extend(opened, [FAMILY])
    if (changed.length > 0) t.equal(stamp, null, `${changed} has changed`)
    else t.match(stamp, opened.stamp)
  }
})

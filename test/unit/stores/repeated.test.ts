/** What is told again until Redis and the other instances have taken it: pins, withdrawals. */
import t, { type Test } from 'tap'
import { VersionPins } from '../../../src/auth/version-pins.ts'
import type { BusMessage } from '../../../src/stores/bus.ts'
import type { Reply } from '../../../src/stores/redis-commands.ts'
import { RedisKeys } from '../../../src/stores/redis-keys.ts'
import { Repeated } from '../../../src/stores/repeated.ts'
import { SharedPins } from '../../../src/stores/shared-pins.ts'
import { SharedSwitches } from '../../../src/stores/shared-switches.ts'
import { SharedWithdrawals } from '../../../src/stores/shared-withdrawals.ts'
import { FakeClock } from '../../helpers/clock.ts'
import { until } from '../../helpers/until.ts'

t.test('what was not taken is told again, in order, until it is', async (t) => {
  const told: string[] = []
  let taking = 0
  const repeated = new Repeated<number>({
    max: 3,
    isReady: () => true,
    tell: async (key, value) => {
      told.push(`${key}${value}`)
      return told.length > taking
    },
  })
  t.teardown(() => repeated.close())
  for (const key of ['a', 'b', 'c', 'd']) repeated.keep(key, 1)
  t.equal(repeated.size, 3, 'the oldest is let go of')
  repeated.keep('b', 2)
  taking = 1
  await repeated.retry()
  t.strictSame(told, ['c1'])
  t.equal(repeated.drop('d'), true)
  t.equal(repeated.drop('d'), false)
  taking = 0
  await repeated.retry()
  t.strictSame(told, ['c1', 'c1', 'b2'])
  t.equal(repeated.size, 0)
})

t.test('what was replaced while it was told stays', async (t) => {
  const repeated: Repeated<number> = new Repeated<number>({
    max: 3,
    isReady: () => true,
    tell: async (key, value) => {
      if (value === 1) repeated.keep(key, 2)
      return true
    },
  })
  t.teardown(() => repeated.close())
  repeated.keep('a', 1)
  await repeated.retry()
  t.equal(repeated.size, 1)
})

/** Redis and the bus, each of which takes what it is told or does not. */
class World {
  isRedisThere = true
  isBusThere = true
  readonly published: BusMessage[] = []
  readonly pins = new Map<string, string>()

  readonly bus = {
    publish: async (message: BusMessage): Promise<boolean> => {
      if (this.isBusThere) this.published.push(message)
      return this.isBusThere
    },
  }

  readonly commands = {
    isUsable: true,
    /** As SET_PIN does it. */
    run: async (
      _script: unknown,
      [key = '']: readonly string[],
      [version = '']: readonly unknown[],
    ): Promise<Reply> => {
      if (!this.isRedisThere) return { ok: false, refused: true }
      const before = this.pins.get(key)
      this.pins.set(key, String(version))
      return { ok: true, value: before !== undefined && before !== version ? 1 : 0 }
    },
  }
}

function pinsOf(t: Test, world: World): SharedPins {
  const keys = new RedisKeys('layby', 0)
  const pins = new SharedPins({ ...world, keys, fenceLifetimeMs: 1_000 })
  t.teardown(() => pins.close())
  return pins
}

t.test('a change of a pin that Redis, or the bus, has not taken is told again', async (t) => {
  for (const broken of ['isRedisThere', 'isBusThere'] as const) {
    const world = new World()
    const pins = pinsOf(t, world)
    await pins.note('p', 'one')
    world[broken] = false
    await pins.note('p', 'two')
    t.equal(pins.size, 1)
    t.strictSame(world.published, [])
    world[broken] = true
    await until(() => pins.size === 0)
    t.strictSame([...world.pins.values()], ['two'], broken)
    t.strictSame(world.published, [{ pins: [['p', 'two']] }], broken)
  }
})

t.test('a pin that is told again is the last one', async (t) => {
  const world = new World()
  const pins = pinsOf(t, world)
  world.isRedisThere = false
  await pins.note('p', 'one')
  await pins.note('p', null)
  world.isRedisThere = true
  await pins.note('p', 'three')
  t.equal(pins.size, 0)
  t.strictSame(world.published, [{ pins: [['p', 'three']] }], 'though Redis had none before')
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.strictSame([...world.pins.values()], ['three'])
})

t.test('a withdrawal that Redis, or the bus, has not taken is made again', async (t) => {
  for (const broken of ['isRedisThere', 'isBusThere'] as const) {
    const world = new World()
    const removed: string[] = []
    const store = {
      withdraw: async (_tenant: string, grants: readonly string[]): Promise<boolean> => {
        if (world.isRedisThere) removed.push(...grants)
        return world.isRedisThere
      },
    }
    const withdrawals = new SharedWithdrawals({ ...world, store })
    t.teardown(() => withdrawals.close())
    world[broken] = false
    await withdrawals.withdraw('7', ['g', 'h'])
    t.equal(withdrawals.size, 2)
    world[broken] = true
    await until(() => withdrawals.size === 0)
    t.strictSame([...new Set(removed)], ['g', 'h'], broken)
    const withdrawn = world.published.flatMap((message) => message.withdrawn ?? [])
    t.strictSame([...new Set(withdrawn)], ['g', 'h'], broken)
  }
})

t.test(
  'a switch that the bus has not taken is told again, with no gap to catch up after',
  async (t) => {
    const world = new World()
    const switches = new SharedSwitches({
      bus: world.bus,
      // Redis takes it, and lists nothing.
      commands: { run: async () => ({ ok: true, value: [0] }) },
      keys: new RedisKeys('layby', 0),
      clock: new FakeClock(),
      sealingKeys: [Buffer.alloc(32)],
      tenants: { set: () => {} },
      observer: { switchesMissing: () => {}, switchesUnreadable: () => {} },
    })
    t.teardown(() => switches.close())
    world.isBusThere = false
    t.equal(await switches.put('7', true), false)
    world.isBusThere = true
    await until(() => world.published.some(({ switched }) => switched?.[0]?.[0] === '7'))
  },
)

t.test('after a gap of the bus no pin is known, not of requests under way either', (t) => {
  const pins = new VersionPins(10)
  pins.end(pins.begin('idle', 'v1'), 'v1')
  const use = pins.begin('busy', 'v1')
  t.equal(pins.current('idle', 'v1'), 'v1')
  pins.forget()
  t.equal(pins.current('idle', 'v1'), null)
  pins.end(use, 'v1')
  t.equal(pins.current('busy', 'v1'), null, 'another may have changed it meanwhile')
  pins.adopt('idle', 'v2')
  t.equal(pins.current('idle', 'v1'), 'v2')
  t.end()
})

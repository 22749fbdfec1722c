/** Invalidations that Redis or the other instances have not taken so far: `owed-changes.ts`, `peer-invalidations.ts`. */
import t from 'tap'
import type { BusMessage } from '../../../src/stores/bus.ts'
import { FenceTable } from '../../../src/stores/fence-table.ts'
import { InvalidationDelivery } from '../../../src/stores/invalidation-delivery.ts'
import { Lease } from '../../../src/stores/lease.ts'
import { OwedChanges, type PendingState } from '../../../src/stores/owed-changes.ts'
import { FakeClock } from '../../helpers/clock.ts'

t.test('recent changes are repeated, old ones are not, and too many become their tenants’', (t) => {
  const clock = new FakeClock()
  const owed = new OwedChanges(clock, () => 'wide')
  owed.changed(['old'])
  clock.advance(15_000)
  owed.changed(['new'])
  t.equal(owed.size, 0)
  t.strictSame(owed.repeat(), ['new'])
  t.strictSame(owed.names(), ['new'])
  t.strictSame(owed.settle(owed.due()), ['new'])
  t.strictSame(owed.names(), [])
  owed.owe(Array.from({ length: 20_001 }, (_, i) => `f${i}`))
  t.strictSame(owed.names(), ['wide'])
  owed.changed(Array.from({ length: 20_005 }, (_, i) => `f${i}`))
  t.ok(owed.repeat().includes('wide'))
  t.end()
})

t.test('a change that was added once more while Redis took it stays pending', (t) => {
  const owed = new OwedChanges(new FakeClock(), (name) => name)
  owed.owe(['a', 'b'])
  const due = owed.due()
  owed.owe(['a'])
  t.strictSame(owed.settle(due), ['b'])
  t.strictSame(owed.names(), ['a'])
  t.end()
})

interface Message {
  readonly from: string
  readonly state: PendingState
  readonly message: BusMessage
}

/** Instances on a bus that is read by hand, each with a Redis that takes changes or does not. */
class World {
  readonly clock = new FakeClock()
  readonly changed: [instance: string, names: readonly string[]][] = []
  readonly instances = new Map<string, Instance>()
  isTaking = false
  isBusThere = true
  queue: Message[] = []

  add(id: string): Instance {
    const instance = new Instance(this, id)
    this.instances.set(id, instance)
    return instance
  }

  /** Everyone probes, and all that was published is heard, and what comes of it. */
  async beat(): Promise<void> {
    for (const instance of this.instances.values()) void instance.publish({})
    await this.deliver()
  }

  async deliver(lose: (message: Message) => boolean = () => false): Promise<void> {
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      for (const message of this.queue.splice(0)) {
        if (lose(message)) continue
        for (const instance of this.instances.values()) instance.hear(message)
      }
    }
  }
}

class Instance {
  readonly #world: World
  readonly #id: string
  readonly owed: OwedChanges
  readonly table: FenceTable
  readonly delivery: InvalidationDelivery

  constructor(world: World, id: string) {
    this.#world = world
    this.#id = id
    const { clock } = world
    this.owed = new OwedChanges(clock, (name) => name)
    this.table = new FenceTable(clock, new Lease(clock), 100)
    this.delivery = new InvalidationDelivery({
      clock,
      table: this.table,
      owed: this.owed,
      commands: { isUsable: true },
      bus: { id, publish: (message) => this.publish(message) },
      change: async (names) => {
        if (!world.isTaking) return 'refused'
        world.changed.push([id, names])
        return 'yes'
      },
      recordLifetimeMs: 1_000_000,
    })
    this.delivery.close()
  }

  async publish(message: BusMessage): Promise<boolean> {
    if (!this.#world.isBusThere) return false
    this.#world.queue.push({ from: this.#id, state: this.owed.state, message })
    return true
  }

  hear({ from, state, message }: Message): void {
    if (from !== this.#id) this.delivery.heard(from, state, message)
  }

  end(): void {
    this.#world.instances.delete(this.#id)
  }
}

t.test('a block that was lost is asked for, until it is heard', async (t) => {
  const world = new World()
  const [a, b] = [world.add('a'), world.add('b')]
  await world.beat()
  world.isBusThere = false
  await a.delivery.notTaken(['f'])
  world.isBusThere = true
  t.notOk(b.table.isPending('f'))
  // The probe is heard; the question, and then its answer, are lost.
  void a.publish({})
  await world.deliver(({ message }) => message.resend !== undefined)
  t.notOk(b.table.isPending('f'))
  world.clock.advance(250)
  void a.publish({})
  await world.deliver(({ message }) => message.isAll === true)
  t.notOk(b.table.isPending('f'))
  world.clock.advance(250)
  await world.beat()
  t.ok(b.table.isPending('f'))
  t.equal(b.delivery.heardSize, 1)
})

t.test('an instance that starts is told of what was pending before it', async (t) => {
  const world = new World()
  const a = world.add('a')
  await a.delivery.notTaken(['f', 'g'])
  await world.deliver()
  const late = world.add('late')
  await world.beat()
  t.ok(late.table.isPending('f') && late.table.isPending('g'))
})

t.test('what Redis has taken is free again everywhere, even if that was not heard', async (t) => {
  const world = new World()
  const [a, b] = [world.add('a'), world.add('b')]
  await world.beat()
  await a.delivery.notTaken(['f'])
  await world.deliver()
  t.ok(b.table.isPending('f'))
  world.isTaking = true
  await a.delivery.retry()
  t.notOk(a.table.isPending('f'))
  await world.deliver(() => true)
  t.ok(b.table.isPending('f'))
  await world.beat()
  t.notOk(b.table.isPending('f'))
  t.strictSame(world.changed, [['a', ['f']]])
})

t.test('a change that Redis has and the bus has not is made, and published, again', async (t) => {
  const world = new World()
  const a = world.add('a')
  await a.delivery.notTaken(['f'])
  world.isTaking = true
  world.isBusThere = false
  await a.delivery.retry()
  t.ok(a.table.isPending('f'))
  world.isBusThere = true
  world.queue = []
  await a.delivery.retry()
  t.notOk(a.table.isPending('f'))
  t.strictSame(
    world.queue.map(({ message }) => message.forget),
    [['f']],
  )
})

t.test(
  'one instance’s change does not end what another has pending of the same name',
  async (t) => {
    const world = new World()
    const [a, b] = [world.add('a'), world.add('b')]
    await world.beat()
    await a.delivery.notTaken(['f'])
    await world.deliver()
    await b.delivery.notTaken(['f'])
    world.isTaking = true
    await a.delivery.retry()
    await world.deliver()
    t.ok(b.table.isPending('f'), 'its own write may be later than the change')
    t.ok(a.table.isPending('f'), 'and the other knows of it')
    await b.delivery.retry()
    await world.deliver()
    t.notOk(a.table.isPending('f') || b.table.isPending('f'))
  },
)

t.test('whoever has heard of a block makes the change when its instance is gone', async (t) => {
  const world = new World()
  const [a, b] = [world.add('a'), world.add('b')]
  await world.beat()
  await a.delivery.notTaken(['f'])
  await world.deliver()
  a.end()
  world.isTaking = true
  world.clock.advance(1_999)
  await b.delivery.retry()
  t.strictSame(world.changed, [], 'it may be there yet')
  world.clock.advance(1)
  await b.delivery.retry()
  t.strictSame(world.changed, [['b', ['f']]])
  t.notOk(b.table.isPending('f'))
  t.equal(b.delivery.size + b.delivery.heardSize, 0)
})

t.test(
  'what was published over a connection that ended is published first over the next',
  async (t) => {
    const world = new World()
    const [a, b] = [world.add('a'), world.add('b')]
    await world.beat()
    world.isBusThere = false
    await a.delivery.notTaken(['f'])
    world.isBusThere = true
    a.delivery.regained()
    t.match(world.queue[0]?.message, { block: ['f'], isAll: true })
    await world.deliver()
    t.ok(b.table.isPending('f'))
  },
)

t.test('names by the thousand are changed in portions', async (t) => {
  const world = new World()
  const a = world.add('a')
  await a.delivery.notTaken(Array.from({ length: 1_200 }, (_, i) => `f${i}`))
  world.isTaking = true
  await a.delivery.retry()
  t.strictSame(
    world.changed.map(([, names]) => names.length),
    [500, 500, 200],
  )
  t.equal(a.owed.size, 0)
})

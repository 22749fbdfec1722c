/** What passes between the primary and its workers, message by message. */
import t from 'tap'
import { PrimaryLink } from '../../../src/processes/link.ts'
import { TICK_MS } from '../../../src/processes/relay.ts'
import { FakeClock } from '../../helpers/clock.ts'
import { linkProcesses } from '../../helpers/linked-processes.ts'

/** Lets promises run that are settled. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function watch(work: Promise<unknown>): { isOver: boolean } {
  const watched = { isOver: false }
  void work.then(() => {
    watched.isOver = true
  })
  return watched
}

t.test('who tells of a change goes on when all others have heard it, and not before', async (t) => {
  const { processes, settle } = linkProcesses(new FakeClock(), 3)
  const [a, b, c] = processes
  const { stamp } = await b!.fences.open(['x'], null)
  const change = watch(a!.fences.change(['x']))
  await breathe()
  a!.toPrimary.shift()?.()
  t.ok(b!.fences.holds(stamp))
  b!.toWorker.shift()?.()
  t.notOk(b!.fences.holds(stamp), 'it has taken effect before it is acknowledged')
  b!.toPrimary.shift()?.()
  a!.toWorker.shift()?.()
  await breathe()
  t.equal(change.isOver, false, 'the third has not heard it')
  c!.toWorker.shift()?.()
  settle()
  await breathe()
  t.equal(change.isOver, true)
})

t.test('a worker that is silent is waited for until its lease must be over', async (t) => {
  const clock = new FakeClock()
  const { relay, processes } = linkProcesses(clock, 2)
  const [a, b] = processes
  const { stamp } = await b!.fences.open(['x'], null)
  const change = watch(a!.fences.change(['x']))
  const others = async (): Promise<void> => {
    await breathe()
    relay.tick()
    for (const queue of [a!.toPrimary, a!.toWorker]) while (queue.length > 0) queue.shift()?.()
    await breathe()
  }
  await others()
  clock.advance(999)
  await others()
  t.ok(b!.fences.holds(stamp), 'it still may serve')
  t.equal(change.isOver, false)
  clock.advance(1)
  t.notOk(b!.fences.holds(stamp), 'its own clock forbids it, whatever it has heard')
  await others()
  t.equal(change.isOver, false)
  clock.advance(50)
  await others()
  t.equal(change.isOver, true)
  const next = watch(a!.fences.change(['x']))
  await others()
  t.equal(next.isOver, true, 'nobody waits for it a second time')
})

t.test(
  'a worker that comes back serves what no news has ended, once it has had the news',
  async (t) => {
    const clock = new FakeClock()
    const { relay, processes, tick, settle } = linkProcesses(clock, 2)
    const [a, b] = processes
    const changed = await b!.fences.open(['x'], null)
    const unchanged = await b!.fences.open(['y'], null)
    clock.advance(3_000)
    void a!.fences.change(['x'])
    a!.toPrimary.shift()?.()
    relay.tick()
    t.not(b!.fences.peek(['y']), b!.fences.peek(['y']), 'out of touch, nothing is joined')
    t.equal((await b!.fences.open(['y'], null)).pending, true)
    t.equal(await b!.fences.extend(unchanged, []), null)
    b!.link.tick()
    b!.toPrimary.shift()?.()
    t.notOk(b!.fences.holds(unchanged.stamp), 'a probe alone says nothing')
    settle()
    tick()
    t.ok(b!.fences.holds(unchanged.stamp))
    t.notOk(b!.fences.holds(changed.stamp))
  },
)

t.test('a worker that dies is no longer waited for', async (t) => {
  const { relay, processes, settle } = linkProcesses(new FakeClock(), 3)
  const [a, b, c] = processes
  const change = watch(a!.fences.change(['x']))
  await breathe()
  a!.toPrimary.shift()?.()
  c!.toWorker.shift()?.()
  c!.toPrimary.shift()?.()
  relay.leave(b!.id)
  a!.toWorker.shift()?.()
  await breathe()
  t.equal(change.isOver, true)
  relay.receive(b!.id, { kind: 'tell', n: 1, news: { kind: 'changed', names: ['x'] } })
  t.equal(c!.toWorker.length, 0, 'nor heard')
  settle()
})

t.test('a worker that starts in the middle of a write knows that it is pending', async (t) => {
  const clock = new FakeClock()
  const { relay, processes, join, tick, settle } = linkProcesses(clock, 2)
  const [a] = processes
  const begun = a!.fences.begin(['x'], 2_000)
  const held = a!.fences.begin(['y'], 2_000)
  await breathe()
  settle()
  await begun
  void a!.fences.settle(await held, ['z'], 4_000)
  await breathe()
  settle()
  relay.leave(a!.id)
  clock.advance(1_000)
  const late = join()
  tick()
  for (const name of ['x', 'y', 'z']) {
    t.equal((await late.fences.open([name], null)).pending, true, name)
  }
  t.equal((await late.fences.open(['w'], null)).pending, false)
  clock.advance(1_100)
  tick()
  t.equal((await late.fences.open(['x'], null)).pending, false, 'for as long as it may last')
  clock.advance(2_000)
  tick()
  const last = join()
  tick()
  for (const name of ['x', 'y', 'z']) {
    t.equal((await last.fences.open([name], null)).pending, false, name)
  }
})

t.test('a write that has ended is none of a new worker’s concern', async (t) => {
  const { processes, join, tick, settle } = linkProcesses(new FakeClock(), 2)
  const begun = processes[0]!.fences.begin(['x'], 2_000)
  await breathe()
  settle()
  void processes[0]!.fences.settle(await begun, [], 0)
  await breathe()
  settle()
  const late = join()
  tick()
  t.equal((await late.fences.open(['x'], null)).pending, false)
})

t.test(
  'while the primary hangs nobody is in touch, and a teller goes on after a while',
  async (t) => {
    const clock = new FakeClock()
    const { processes, settle, tick } = linkProcesses(clock, 2)
    const [a, b] = processes
    const { stamp } = await b!.fences.open(['x'], null)
    const change = watch(a!.fences.change(['x']))
    await breathe()
    for (let ms = 0; ms < 2_250; ms += 250) {
      clock.advance(250)
      a!.link.tick()
      b!.link.tick()
    }
    await breathe()
    t.equal(b!.link.isInTouch(), false)
    t.equal(change.isOver, false)
    clock.advance(250)
    a!.link.tick()
    await breathe()
    t.equal(change.isOver, true)
    while (b!.toPrimary.length > 0) b!.toPrimary.shift()?.()
    t.equal(b!.toWorker.length, 0, 'no echo before all that lay there has been read')
    settle()
    tick()
    t.equal(b!.link.isInTouch(), true)
    t.notOk(b!.fences.holds(stamp))
  },
)

t.test('a message that has not left the process is waited for', async (t) => {
  const clock = new FakeClock()
  let write = (): void => {}
  const link = new PrimaryLink({
    clock,
    send: (message, written) => {
      if (message.kind === 'tell') write = written
    },
  })
  const told = watch(link.tell({ kind: 'changed', names: ['x'] }))
  clock.advance(60_000)
  link.tick()
  await breathe()
  t.equal(told.isOver, false)
  write()
  clock.advance(2_500)
  link.tick()
  await breathe()
  t.equal(told.isOver, true)
})

t.test('a worker that says nothing for ten seconds is given up, once', (t) => {
  const clock = new FakeClock()
  const { relay, processes, silent, settle } = linkProcesses(clock, 2)
  for (let ms = 0; ms < 20_000; ms += TICK_MS) {
    clock.advance(TICK_MS)
    relay.tick()
    if (ms % 250 === 0) processes[0]!.link.tick()
    settle()
    if (ms < 9_900) t.same(silent, [])
  }
  t.same(silent, [processes[1]!.id])
  clock.advance(60_000)
  relay.tick()
  t.same(silent, [processes[1]!.id], 'a primary that was stopped itself blames nobody')
  t.end()
})

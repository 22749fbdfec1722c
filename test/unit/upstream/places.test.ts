/** Who gets which place: tenants, shares of all, credentials that the API knows and others. */
import t from 'tap'
import { Presence } from '../../../src/lib/presence.ts'
import { Lanes } from '../../../src/upstream/lanes.ts'
import { divide } from '../../../src/upstream/shares.ts'
import { FakeClock } from '../../helpers/clock.ts'

const ACCEPTED = { party: 'a', isAccepted: true }
const OTHER = { party: 'b', isAccepted: false }
const LONG_MS = 60_000

/** Limits that follow from the number of connections. */
const derived = (connections: number) =>
  divide(
    { connections, tenantReads: 1_000, passThrough: 0, tenantPassThrough: 0 },
    new FakeClock(),
    () => {},
  )

const asker = (tenant: string, isAccepted = true) => ({ tenant, partition: 'p', isAccepted })

/** How many places there are one after another. */
function count(take: (n: number) => boolean): number {
  let n = 0
  while (take(n)) n++
  return n
}

t.test('limits that are left out, or too high, are halves', (t) => {
  const shares = derived(128)
  t.equal(
    count(() => shares.passing.tryTake(asker('1'))),
    32,
  )
  t.equal(
    count((n) => shares.passing.tryTake(asker(String(2 + n)))),
    32,
    'what passes through has 64',
  )
  t.equal(
    count(() => shares.reading.tryTake(asker('1'))),
    64,
    'all the others are left to reads',
  )
  const few = derived(1)
  t.equal(few.passing.tryTake(asker('1')), true)
  t.equal(few.reading.tryTake(asker('2')), false)
  t.end()
})

t.test('credentials that the API does not know leave an eighth to others', (t) => {
  const { passing, reading } = derived(128)
  t.equal(
    count((n) => passing.tryTake(asker(String(n), false))),
    56,
  )
  t.equal(
    count((n) => reading.tryTake(asker(String(n), false))),
    56,
    '112 in all',
  )
  t.equal(passing.tryTake(asker('0')), true)
  t.equal(reading.tryTake(asker('0')), true)
  t.end()
})

t.test('what finds no place has taken none', (t) => {
  const { passing, reading } = derived(8)
  const taken = count((n) => reading.tryTake(asker(String(n))))
  t.equal(taken, 8)
  t.equal(passing.tryTake(asker('9')), false)
  for (let n = 0; n < taken; n++) reading.leave(asker(String(n)))
  t.equal(
    count(() => passing.tryTake(asker('9'))),
    2,
  )
  t.end()
})

t.test('a place that becomes free goes to who waits, through all shares', async (t) => {
  const { passing, reading } = derived(8)
  for (let n = 0; n < 8; n++) t.equal(reading.tryTake(asker(String(n))), true)
  const waits = passing.take(asker('9'), LONG_MS, null)
  reading.leave(asker('0'))
  t.equal(await waits, 'in')
  t.equal(reading.tryTake(asker('10')), false)
  t.equal(await passing.take(asker('9'), 0, null), 'late')
  passing.leave(asker('9'))
  t.equal(passing.tryTake(asker('9')), true)
})

t.test('a client that leaves gives up its place in the queue', async (t) => {
  const { passing } = derived(1)
  passing.tryTake(asker('1'))
  const presence = new Presence()
  const waits = passing.take(asker('2'), LONG_MS, presence)
  await new Promise(setImmediate)
  presence.gone()
  t.equal(await waits, 'gone')
  t.equal(await passing.take(asker('2'), LONG_MS, presence), 'gone', 'nor does it come later')
  passing.leave(asker('1'))
  t.equal(passing.tryTake(asker('2')), true)
})

t.test('both kinds have their turn by how long they have waited', async (t) => {
  const clock = new FakeClock()
  const lanes = new Lanes(clock, 8)
  for (let n = 0; n < 7; n++) t.equal(lanes.tryEnter(false), true)
  t.equal(lanes.tryEnter(false), false)
  t.equal(lanes.isFull(false), false, 'it may wait')
  t.equal(lanes.tryEnter(true), true)
  const order: string[] = []
  const wait = async (entrant: typeof ACCEPTED): Promise<void> => {
    clock.advance(1)
    if ((await lanes.enter(entrant, LONG_MS)) === 'in') order.push(entrant.party)
  }
  const all = [wait(OTHER), wait(ACCEPTED), wait(OTHER)]
  // The others have what they may have: the last place stays for those that are known.
  lanes.leave(true)
  await all[1]
  lanes.leave(false)
  await all[0]
  lanes.leave(false)
  await Promise.all(all)
  t.same(order, ['a', 'b', 'b'])
})

t.test('a party with few waiting takes the place of one with many, in a full queue', async (t) => {
  const lanes = new Lanes(new FakeClock(), 1)
  lanes.tryEnter(true)
  const noisy = Array.from({ length: 1_000 }, () =>
    lanes.enter({ party: 'noisy', isAccepted: true }, LONG_MS),
  )
  t.equal(lanes.isFull(true), true)
  t.equal(await lanes.enter({ party: 'noisy', isAccepted: true }, LONG_MS), 'full')
  const quiet = lanes.enter({ party: 'quiet', isAccepted: true }, LONG_MS)
  t.equal(await noisy[0], 'full')
  lanes.leave(true)
  t.equal(await noisy[1], 'in')
  lanes.leave(true)
  t.equal(await quiet, 'in', 'parties are served in turn')
  for (let n = 0; n < 999; n++) lanes.leave(true)
  await Promise.all(noisy)
})

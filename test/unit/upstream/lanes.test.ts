/** Lasting overload on virtual time (reliability U6): goodput stays, what is admitted stays quick, the rest is told at once. */
import t from 'tap'
import { Lanes } from '../../../src/upstream/lanes.ts'
import { FakeClock } from '../../helpers/clock.ts'

const LANES = 64
const SERVICE_MS = 100

interface Result {
  readonly admitted: number[]
  refused: number
  /** How long those who were refused had waited. */
  readonly refusedAfter: number[]
}

/** Lets everything happen that needs no time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** @param perMs arrivals in a millisecond, or in the nth */
async function run(
  lanes: Lanes,
  clock: FakeClock,
  ms: number,
  perMs: number | ((n: number) => number),
  isAcceptedAt: (now: number) => boolean = () => true,
): Promise<Result> {
  const arrivals = typeof perMs === 'number' ? () => perMs : perMs
  const result: Result = { admitted: [], refused: 0, refusedAfter: [] }
  const endings = new Map<number, boolean[]>()
  let now = 0
  let due = 0
  const arrive = async (): Promise<void> => {
    const at = now
    const isAccepted = isAcceptedAt(now)
    const entry = await lanes.enter({ party: '7', isAccepted }, 60_000)
    if (entry === 'in') {
      result.admitted.push(now - at + SERVICE_MS)
      const end = now + SERVICE_MS
      endings.set(end, [...(endings.get(end) ?? []), isAccepted])
    } else {
      result.refused++
      result.refusedAfter.push(now - at)
    }
  }
  for (; now < ms || endings.size > 0; now++) {
    for (const isAccepted of endings.get(now) ?? []) lanes.leave(isAccepted)
    endings.delete(now)
    for (due += now < ms ? arrivals(now) : 0; due >= 1; due--) void arrive()
    await settle()
    clock.advance(1)
  }
  return result
}

const share = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(part * (values.length - 1))] ?? 0

t.test('at three times the capacity for a minute', async (t) => {
  const clock = new FakeClock()
  const seconds = 60
  const capacity = (LANES * 1_000 * seconds) / SERVICE_MS
  const { admitted, refused, refusedAfter } = await run(
    new Lanes(clock, LANES),
    clock,
    seconds * 1_000,
    (3 * LANES) / SERVICE_MS,
  )
  const p99 = share(admitted, 0.99)
  t.ok(admitted.length >= 0.9 * capacity, `${admitted.length} of ${capacity}`)
  t.ok(p99 <= 2 * SERVICE_MS, `${p99} ms`)
  t.equal(
    share(refusedAfter, 0.98),
    0,
    'refused at once, but for those who were cut from the queue',
  )
  t.comment(
    `${admitted.length} admitted of a capacity of ${capacity}, p99 ${p99} ms for ${SERVICE_MS}, ${refused} refused`,
  )
})

t.test(
  'a credential that is accepted while it waits makes no second queue of patience',
  async (t) => {
    const clock = new FakeClock()
    const lanes = new Lanes(clock, 4)
    // The first tenth of a second is not accepted yet, and waits apart.
    const { refusedAfter } = await run(lanes, clock, 5_000, 1, (now) => now >= SERVICE_MS)
    t.ok(Math.max(...refusedAfter) <= 800, `cut after ${Math.max(...refusedAfter)} ms`)
  },
)

t.test('few lanes stay cut as long as too much comes', async (t) => {
  const clock = new FakeClock()
  const told: boolean[] = []
  const lanes = new Lanes(clock, 4, (isCut) => told.push(isCut))
  // Twenty at once every twenty milliseconds: the short queue is empty for moments.
  const { admitted, refusedAfter } = await run(lanes, clock, 30_000, (n) => (n % 20 === 0 ? 20 : 0))
  t.strictSame(told, [true, false], 'cut once, and no longer when it was over')
  t.ok(admitted.length >= 0.9 * (30_000 / SERVICE_MS) * 4)
  t.ok(share(refusedAfter, 0.9) <= SERVICE_MS, 'nobody waits in vain but at the beginning')
})

t.test('when places have stayed free for a while the queue is long again', async (t) => {
  const clock = new FakeClock()
  const told: boolean[] = []
  const lanes = new Lanes(clock, 4, (isCut) => told.push(isCut))
  // Then a part of what there is, so that something is always under way.
  await run(lanes, clock, 6_000, (n) => (n < 3_000 ? 1 : n % 50 === 0 ? 1 : 0))
  t.strictSame(told, [true, false])
})

t.test('a burst is served whole', async (t) => {
  const clock = new FakeClock()
  const lanes = new Lanes(clock, LANES)
  const { refused, admitted } = await run(lanes, clock, 1, 300)
  t.equal(refused, 0)
  t.equal(admitted.length, 300)
  t.equal(lanes.isIdle, true)
})

t.test('after the overload the queue may be long again', async (t) => {
  const clock = new FakeClock()
  const told: boolean[] = []
  const lanes = new Lanes(clock, LANES, (isCut) => told.push(isCut))
  await run(lanes, clock, 3_000, (3 * LANES) / SERVICE_MS)
  t.equal(told[0], true, 'that it is cut is told')
  const { refused } = await run(lanes, clock, 1, 300)
  t.equal(refused, 0)
  t.ok(told.every((isCut, i) => isCut === (i % 2 === 0)) && told.length % 2 === 0, 'and its end')
})

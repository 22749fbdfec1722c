import t from 'tap'
import { TooLate, within } from '../../../src/stores/patience.ts'

/** A clock that goes on by so much between any two looks at it. */
const every = (milliseconds: number) => {
  let [now, looks] = [0, 0]
  return {
    monotonic: () => {
      looks++
      now += milliseconds
      return now
    },
    wall: () => 0,
    looks: () => looks,
  }
}

const NEVER = new Promise<never>(() => {})

async function lateness(promise: Promise<unknown>): Promise<TooLate> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TooLate)) throw new Error('it was not too late', { cause: error })
  return error
}

t.test('what does not come in time is given up, and Redis is to blame', async (t) => {
  const clock = every(5)
  t.equal((await lateness(within(NEVER, 50, clock))).isOurs, false)
  t.equal(clock.looks(), 11, 'at the start, and after each of ten slices of five milliseconds')
})

t.test(
  'time that this process has lost counts for little, and Redis is not to blame',
  async (t) => {
    const clock = every(1_000)
    t.equal((await lateness(within(NEVER, 50, clock))).isOurs, true)
    t.ok(clock.looks() >= 8, 'the sockets were read seven times')
  },
)

t.test('what comes after a long turn of the event loop was not too late', async (t) => {
  const clock = { monotonic: () => performance.now(), wall: () => 0 }
  const blockedUntil = performance.now() + 200
  while (performance.now() < blockedUntil);
  // Sent at the end of the turn: by the loop's own time it is 200 ms old.
  const answer = new Promise<string>((resolve) => {
    setImmediate(() => setImmediate(() => setImmediate(() => resolve('here'))))
  })
  t.equal(await within(answer, 50, clock), 'here')
})

t.test('an answer, or a refusal, is passed on', async (t) => {
  const clock = every(1)
  t.equal(await within(Promise.resolve(7), 50, clock), 7)
  await t.rejects(within(Promise.reject(new Error('no')), 50, clock), { message: 'no' })
})

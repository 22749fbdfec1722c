import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Budget } from '../../../src/upstream/budget.ts'
import { FakeClock } from '../../helpers/clock.ts'

/** Far longer than the test. */
const MINUTE_MS = 60_000

t.test('what was used up before a hold is not given again', async () => {
  const clock = new FakeClock()
  await new Promise<void>((spent) => {
    const budget = new Budget(MINUTE_MS, clock, spent)
    budget.run()
    clock.advance(MINUTE_MS - 1)
    budget.hold()
    budget.run()
  })
})

t.test('time in which it is held does not count', async (t) => {
  const clock = new FakeClock()
  let isSpent = false
  const budget = new Budget(MINUTE_MS, clock, () => {
    isSpent = true
  })
  budget.run()
  budget.hold()
  clock.advance(2 * MINUTE_MS)
  budget.run()
  budget.hold()
  budget.run()
  await delay(20)
  budget.hold()
  t.equal(isSpent, false)
})

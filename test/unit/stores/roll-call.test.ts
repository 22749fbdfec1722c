import t from 'tap'
import type { BusMessage } from '../../../src/stores/bus.ts'
import { BusRollCall } from '../../../src/stores/roll-call.ts'
import { FakeClock } from '../../helpers/clock.ts'

function stage(isTaken = true) {
  const clock = new FakeClock()
  const sent: BusMessage[] = []
  const publish = async (message: BusMessage): Promise<boolean> => {
    sent.push(message)
    return isTaken
  }
  const rollCall = new BusRollCall({ clock, bus: { publish } })
  const answer = (name: string, instance: string): void =>
    rollCall.received({ present: name }, instance)
  const lastCall = (): string => sent.at(-1)?.call ?? ''
  return { clock, sent, rollCall, answer, lastCall }
}

t.test('it ends when all that were heard lately have answered, each counted once', async (t) => {
  const { rollCall, answer, lastCall } = stage()
  for (const instance of ['b', 'c']) rollCall.heard(instance)
  const roll = rollCall.call()
  answer(lastCall(), 'b')
  answer(lastCall(), 'b')
  answer('another call', 'c')
  answer(lastCall(), 'c')
  t.strictSame(await roll, { acked: 3, known: 3 })
  answer(lastCall(), 'd')
})

t.test('who does not answer is missed, and waited for no longer than the deadline', async (t) => {
  const { rollCall, answer, lastCall } = stage()
  for (const instance of ['b', 'c']) rollCall.heard(instance)
  const roll = rollCall.call()
  answer(lastCall(), 'c')
  t.strictSame(await roll, { acked: 2, known: 3 })
})

t.test('who was not heard for two seconds has gone', async (t) => {
  const { clock, rollCall, answer, lastCall } = stage()
  rollCall.heard('b')
  clock.advance(1_500)
  rollCall.heard('c')
  clock.advance(500)
  const roll = rollCall.call()
  answer(lastCall(), 'c')
  t.strictSame(await roll, { acked: 2, known: 2 })
})

t.test('who has only just come is counted when it answers', async (t) => {
  const { rollCall, answer, lastCall } = stage()
  rollCall.heard('b')
  const roll = rollCall.call()
  answer(lastCall(), 'new')
  answer(lastCall(), 'b')
  t.strictSame(await roll, { acked: 3, known: 3 })
})

t.test('alone, or without the bus, nothing is waited for', async (t) => {
  t.strictSame(await stage().rollCall.call(), { acked: 1, known: 1 })
  const { rollCall } = stage(false)
  rollCall.heard('b')
  t.strictSame(await rollCall.call(), { acked: 1, known: 2 })
})

t.test('a call is answered under its name', (t) => {
  const { sent, rollCall } = stage()
  rollCall.received({ call: 'name' }, 'b')
  t.strictSame(sent, [{ present: 'name' }])
  rollCall.received({ forget: ['x'] }, 'b')
  t.equal(sent.length, 1)
  t.end()
})

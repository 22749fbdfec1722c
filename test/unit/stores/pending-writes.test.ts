/** Writes under way are bounded, and none that was forgotten is forgotten in favour of what is old. */
import t from 'tap'
import { subjectFence, tenantFence } from '../../../src/cache/key.ts'
import { LocalFences, MAX_PENDING_WRITES } from '../../../src/stores/local-fences.ts'
import { PendingWrites } from '../../../src/stores/pending-writes.ts'
import { FakeClock } from '../../helpers/clock.ts'

function make(max: number) {
  const clock = new FakeClock()
  const expired: (string | null)[] = []
  const pending = new PendingWrites({ clock, max, onExpired: (name) => expired.push(name) })
  return { clock, expired, pending }
}

const record = (id: number | string, tenant = '7'): string =>
  subjectFence(tenant, 'customer', String(id))

t.test(
  '100,000 writes that nobody settles leave a bounded number, and nothing after their time',
  (t) => {
    const { clock, pending } = make(1_000)
    for (let i = 0; i < 100_000; i++) pending.add([record(i, String(i % 50_000))], `w${i}`, 1_000)
    t.ok(pending.size <= 2_001, `${pending.size}`)
    t.equal(pending.isPending(record(99_999, '49999')), true, 'the last is pending')
    t.equal(
      pending.isPending(record('any', 'other')),
      true,
      'as is everything, there being no more room',
    )
    clock.advance(1_000)
    t.equal(pending.isPending(record(99_999, '49999')), false)
    pending.add([record(1)], 'w', 1_000)
    t.equal(pending.size, 1, 'what ran out is swept, asked for or not')
    t.end()
  },
)

t.test('beyond the limit a write is noted with the whole tenant', (t) => {
  const { clock, expired, pending } = make(2)
  pending.add([record(1), record(2)], 'one', 1_000)
  pending.add([record(3)], 'two', 1_000)
  t.equal(pending.isPending(tenantFence('7')), true)
  t.equal(pending.isPending(tenantFence('8')), false)
  pending.remove([record(3)], 'two')
  t.equal(pending.isPending(tenantFence('7')), true, 'until its time is over')
  clock.advance(1_000)
  t.equal(pending.isPending(tenantFence('7')), false)
  t.ok(expired.includes(tenantFence('7')), 'which counts as a change')
  t.end()
})

t.test('when everything was in doubt, every fence has changed', async (t) => {
  const clock = new FakeClock()
  const fences = new LocalFences({ clock, maxFences: 100 })
  const { stamp } = await fences.open([tenantFence('8'), record(1, '8')], null)
  for (let i = 0; i <= 2 * MAX_PENDING_WRITES; i++)
    await fences.begin([record(i, String(i))], 1_000)
  t.equal(fences.holds(stamp), false)
  clock.advance(1_000)
  t.equal(fences.holds(stamp), false)
  const anew = await fences.open([tenantFence('8'), record(1, '8')], null)
  t.equal(anew.pending, false)
  t.equal(fences.holds(anew.stamp), true)
})

t.test('a write that is noted again lasts for as long as it was last said', (t) => {
  const { clock, pending } = make(10)
  pending.add([record(1)], 'w', 1_000)
  clock.advance(900)
  pending.add([record(1)], 'w', 1_000)
  clock.advance(900)
  t.equal(pending.peek(record(1)), 'pending')
  t.equal(pending.size, 1)
  clock.advance(100)
  t.equal(pending.peek(record(1)), 'expired')
  t.equal(pending.isPending(record(1)), false)
  t.equal(pending.peek(record(1)), 'none')
  t.end()
})

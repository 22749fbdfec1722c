/** Breaker, tenant gate, retry budget and Retry-After: pure parts, on a clock of their own. */
import t from 'tap'
import { UpstreamBreaker } from '../../../src/upstream/breaker.ts'
import { GuardedReads } from '../../../src/upstream/guarded-reads.ts'
import { Lanes } from '../../../src/upstream/lanes.ts'
import { Places } from '../../../src/upstream/places.ts'
import { retryAfterMs } from '../../../src/upstream/retry-after.ts'
import { RetryBudget } from '../../../src/upstream/retry-budget.ts'
import { TenantGate } from '../../../src/upstream/tenant-gate.ts'
import { FakeClock } from '../../helpers/clock.ts'

const DRIVER = { party: 'driver', isAccepted: true }

t.test('the breaker opens after ten failures in a row, and no sooner', (t) => {
  const changes: boolean[] = []
  const breaker = new UpstreamBreaker(new FakeClock(), (isOpen) => changes.push(isOpen))
  for (let i = 0; i < 9; i++) breaker.failed()
  breaker.succeeded()
  for (let i = 0; i < 9; i++) breaker.failed()
  t.equal(breaker.admit(), null)
  breaker.failed()
  t.equal(breaker.isOpen, true)
  breaker.failed()
  t.same(changes, [true], 'told once')
  t.end()
})

t.test('while it is open, one request a second tries', (t) => {
  const clock = new FakeClock()
  const changes: boolean[] = []
  const breaker = new UpstreamBreaker(clock, (isOpen) => changes.push(isOpen))
  for (let i = 0; i < 10; i++) breaker.failed()
  let tried = 0
  for (let ms = 0; ms < 10_000; ms += 10) {
    if (breaker.admit() === null) {
      tried++
      breaker.failed()
    }
    clock.advance(10)
  }
  t.equal(tried, 9)
  clock.advance(1_000)
  t.equal(breaker.admit(), null)
  t.equal(breaker.admit(), 1_000, 'the others are told how long to wait')
  breaker.succeeded()
  t.equal(breaker.admit(), null)
  t.same(changes, [true, false])
  t.end()
})

t.test('a tenant has so many lanes, and its others wait in order', async (t) => {
  const gate = new TenantGate(new FakeClock(), 2)
  t.equal(await gate.enter('7', DRIVER, 1_000), 'in')
  t.equal(await gate.enter('7', DRIVER, 1_000), 'in')
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (n) => {
    t.equal(await gate.enter('7', DRIVER, 60_000), 'in')
    order.push(n)
  })
  t.equal(await gate.enter('8', DRIVER, 0), 'in', 'another tenant is not kept')
  gate.leave('7', true)
  await waiting[0]
  gate.leave('7', true)
  gate.leave('7', true)
  await Promise.all(waiting)
  t.same(order, [1, 2, 3])
  t.equal(await gate.enter('7', DRIVER, 1), 'late', 'no turn came in time')
  for (let i = 0; i < 2; i++) gate.leave('7', true)
  t.equal(await gate.enter('7', DRIVER, 1), 'in', 'who gave up has left the queue')
})

t.test('a queue that is full refuses at once', async (t) => {
  const gate = new TenantGate(new FakeClock(), 1)
  await gate.enter('7', DRIVER, 1_000)
  const queue = Array.from({ length: 1_000 }, () => gate.enter('7', DRIVER, 60_000))
  t.equal(await gate.enter('7', DRIVER, 60_000), 'full')
  for (let i = 0; i < 1_001; i++) gate.leave('7', true)
  t.same(new Set(await Promise.all(queue)), new Set(['in']))
  t.equal(await gate.enter('7', DRIVER, 1), 'in')
})

t.test('a tenant that was asked to wait is held, for thirty seconds at most', (t) => {
  const clock = new FakeClock()
  const gate = new TenantGate(clock, 1)
  t.equal(gate.heldFor('7'), 0)
  gate.hold('7', 5_000)
  t.equal(gate.heldFor('7'), 5_000)
  t.equal(gate.heldFor('8'), 0)
  clock.advance(5_000)
  t.equal(gate.heldFor('7'), 0)
  gate.hold('7', 3_600_000)
  t.equal(gate.heldFor('7'), 30_000)
  t.end()
})

t.test('so many tenants are held that memory stays bounded', (t) => {
  const gate = new TenantGate(new FakeClock(), 1)
  for (let i = 0; i <= 10_000; i++) gate.hold(String(i), 5_000)
  t.equal(gate.heldFor('0'), 0)
  t.equal(gate.heldFor('1'), 5_000)
  t.end()
})

t.test('one retry for ten reads, and ten saved up at most', (t) => {
  const budget = new RetryBudget()
  let spent = 0
  while (budget.spend()) spent++
  t.equal(spent, 10)
  for (let i = 0; i < 1_000; i++) {
    budget.earn()
    if (budget.spend()) spent++
  }
  t.ok(spent >= 109 && spent <= 110, `${spent}`)
  for (let i = 0; i < 10_000; i++) budget.earn()
  spent = 0
  while (budget.spend()) spent++
  t.equal(spent, 10)
  t.end()
})

t.test('Retry-After is seconds or a date', (t) => {
  const now = Date.UTC(2022, 7, 20, 10, 11, 0)
  const date = ['date', 'Sat, 20 Aug 2022 10:11:12 GMT'] as const
  for (const [value, expected] of [
    ['5', 5_000],
    ['0', 0],
    ['Sat, 20 Aug 2022 10:11:42 GMT', 30_000],
    ['Sat, 20 Aug 2022 10:10:42 GMT', 0],
    ['-5', 0],
    ['soon', 0],
    ['', 0],
    ['5, 5', 0],
    ['1.5', 0],
    ['99999999999999999999', 86_400_000],
    ['Sat, 20 Aug 2050 10:11:42 GMT', 86_400_000],
    ['Saturday, 20-Aug-22 10:11:42 GMT', 30_000],
    ['Saturday, 20-Aug-94 10:11:42 GMT', 0],
    ['Sat Aug 20 10:11:42 2022', 30_000],
    ['Sat, 20 Aug 2022 10:11:42 EST', 0],
    ['2022-08-20T10:11:42Z', 0],
    ['2050', 2_050_000],
    ['2050-01-01', 0],
  ] as const) {
    t.equal(retryAfterMs([date, ['retry-after', value]], now), expected, value)
  }
  t.equal(retryAfterMs([date], now), 0)
  t.equal(retryAfterMs([['retry-after', date[1]]], now), 12_000, 'without a Date, by our clock')
  t.end()
})

t.test('what a read would be refused with is told without sending one', async (t) => {
  const clock = new FakeClock()
  const breaker = new UpstreamBreaker(clock, () => {})
  const gate = new TenantGate(clock, 1)
  const places = new Places(clock, gate, [new Lanes(clock, 5_000)])
  const client = { read: () => Promise.reject(new Error('sent')) }
  const reads = new GuardedReads({ client, breaker, gate, clock, places })
  t.equal(reads.refusal('7', true), null)
  gate.hold('7', 5_000)
  t.same(reads.refusal('7', true), { kind: 'limited', retryAfterMs: 5_000 })
  t.equal(reads.refusal('8', true), null)
  clock.advance(5_000)
  for (let i = 0; i < 10; i++) breaker.failed()
  t.same(reads.refusal('7', true), { kind: 'paused', retryAfterMs: 1_000 })
  clock.advance(1_000)
  for (const look of [1, 2])
    t.equal(reads.refusal('7', true), null, `${look}: looking is not trying`)
  t.equal(breaker.admit(), null)
  breaker.succeeded()
  const entries = Array.from({ length: 1_001 }, () => gate.enter('7', DRIVER, 60_000))
  t.same(
    reads.refusal('7', true),
    { kind: 'limited', retryAfterMs: 2_000 },
    'no place, nor one to wait in',
  )
  for (const entry of entries) {
    t.equal(await entry, 'in') || t.bailout('it waits in vain')
    gate.leave('7', true)
  }
  t.equal(reads.refusal('7', true), null)
})

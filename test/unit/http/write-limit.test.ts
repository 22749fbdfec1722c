/** Writes of credentials that the API has not accepted: so many may end in doubt, for each tenant. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { type LimitedWrite, WriteLimit, WriteLimitReached } from '../../../src/http/write-limit.ts'
import { FakeClock } from '../../helpers/clock.ts'

const MAX = 10
const T = '7'

function start() {
  const clock = new FakeClock()
  return { clock, limit: new WriteLimit(clock) }
}

async function endInDoubt(limit: WriteLimit, count: number, tenant = T): Promise<void> {
  for (let i = 0; i < count; i++) (await limit.begin(tenant)).end(true)
}

/** Whether it may be sent, is refused, or waits. */
async function stateOf(begun: Promise<LimitedWrite>): Promise<'sent' | 'refused' | 'waits'> {
  const settled = begun.then(
    () => 'sent' as const,
    () => 'refused' as const,
  )
  return Promise.race([settled, turn('waits' as const)])
}

t.test('the eleventh within a minute is refused, and told when to come again', async (t) => {
  const { clock, limit } = start()
  await endInDoubt(limit, 1)
  clock.advance(20_000)
  await endInDoubt(limit, MAX - 1)
  const refused = await limit.begin(T).catch((error: unknown) => error)
  t.ok(refused instanceof WriteLimitReached)
  t.equal((refused as WriteLimitReached).retryAfterMs, 40_000)
  t.equal(await stateOf(limit.begin('8')), 'sent', 'another tenant is not concerned')
  clock.advance(40_000)
  t.equal(await stateOf(limit.begin(T)), 'sent', 'the oldest is a minute old')
  clock.advance(20_000)
  t.equal(await stateOf(limit.begin(T)), 'sent')
})

t.test('outcomes that are certain count for nothing', async (t) => {
  const { limit } = start()
  for (let i = 0; i < 1_000; i++) (await limit.begin(T)).end(false)
  t.equal(await stateOf(limit.begin(T)), 'sent')
})

t.test('what is on its way counts: those beyond wait, and go as others end certain', async (t) => {
  const { limit } = start()
  const writes = await Promise.all(Array.from({ length: MAX }, () => limit.begin(T)))
  const [first, second] = [limit.begin(T), limit.begin(T)]
  t.equal(await stateOf(first), 'waits')
  writes[0]?.end(false)
  t.equal(await stateOf(first), 'sent')
  t.equal(await stateOf(second), 'waits')
  for (const write of writes.slice(1)) write.end(true)
  t.equal(await stateOf(second), 'waits', 'nine in doubt, and one on its way')
  ;(await first).end(true)
  t.equal(await stateOf(second), 'refused')
})

t.test('of many at once no more end in doubt than may', async (t) => {
  const { limit } = start()
  let sent = 0
  const all = Array.from({ length: 500 }, async () => {
    const write = await limit.begin(T)
    sent++
    await turn()
    write.end(true)
  })
  const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected')
  t.equal(sent, MAX)
  t.equal(refused.length, 500 - MAX)
})

t.test('of many at once that end certain all are sent, as far as they may wait', async (t) => {
  const { limit } = start()
  const all = Array.from({ length: 110 }, async () => {
    const write = await limit.begin(T)
    await turn()
    write.end(false)
  })
  await Promise.all(all)
  t.equal(limit.size, 0, 'nothing is left to remember')
})

t.test('of 100,000 tenants 10,000 are remembered, and one forgotten ends its writes', async (t) => {
  const { limit } = start()
  const early = await limit.begin('0')
  const waiting = [...(await Promise.all(Array.from({ length: MAX - 1 }, () => limit.begin('0'))))]
  const last = limit.begin('0')
  for (let i = 1; i <= 100_000; i++) await endInDoubt(limit, 1, String(i))
  t.equal(limit.size, 10_000)
  early.end(false)
  t.equal(await stateOf(last), 'sent')
  for (const write of waiting) write.end(true)
  t.equal(limit.size, 10_000)
})

t.test('whoever waits in vain is refused, and takes nobody’s turn', async (t) => {
  const limit = new WriteLimit(new FakeClock(), 10)
  const writes = await Promise.all(Array.from({ length: MAX }, () => limit.begin(T)))
  await t.rejects(limit.begin(T), WriteLimitReached)
  writes[0]?.end(false)
  t.equal(await stateOf(limit.begin(T)), 'sent')
})

t.test('a write ends once, and the limit can be asked for without one', async (t) => {
  const { limit } = start()
  t.doesNotThrow(() => limit.check(T))
  for (let i = 0; i < MAX; i++) {
    const write = await limit.begin(T)
    write.end(true)
    write.end(false)
  }
  t.throws(() => limit.check(T), WriteLimitReached)
  t.doesNotThrow(() => limit.check('8'))
  const other = await limit.begin('8')
  for (let i = 0; i < 2 * MAX; i++) other.end(true)
  t.equal(await stateOf(limit.begin('8')), 'sent')
})

t.test('so many may wait, and the next is refused', async (t) => {
  const { limit } = start()
  const writes = await Promise.all(Array.from({ length: MAX }, () => limit.begin(T)))
  const waiting = Array.from({ length: 100 }, () => limit.begin(T))
  t.equal(await stateOf(limit.begin(T)), 'refused')
  for (const write of writes) write.end(true)
  const refused = await Promise.allSettled(waiting)
  t.ok(refused.every(({ status }) => status === 'rejected'))
})

import t from 'tap'
import type { FenceStamp } from '../../../src/cache/fence.ts'
import { subjectFence, tenantFence } from '../../../src/cache/key.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { LocalFences } from '../../../src/stores/local-fences.ts'

async function stampOf(fences: LocalFences, ...names: string[]): Promise<FenceStamp> {
  return (await fences.open(names, null)).stamp
}

t.test('what one fence guards bears the very same stamp, and not one like it each', async (t) => {
  const fences = new LocalFences({ clock: systemClock, maxFences: 10 })
  const [tenant, one] = await stampOf(fences, 'tenant', 'one')
  const [again, other] = await stampOf(fences, 'tenant', 'other')
  t.equal(again, tenant)
  t.not(other, one)
})

t.test('a stamp that came another way holds by its value', async (t) => {
  const fences = new LocalFences({ clock: systemClock, maxFences: 10 })
  const stamp = await stampOf(fences, 'tenant')
  const copy: FenceStamp = stamp.map(([name, value]) => [name, value])
  t.ok(fences.holds(copy))
  t.notOk(fences.holds(stamp.map(([name]) => [name, 'another'])))
})

t.test('a changed, marked or forgotten fence holds no earlier stamp', async (t) => {
  const fences = new LocalFences({ clock: systemClock, maxFences: 2 })
  const changed = await stampOf(fences, 'a')
  await fences.change(['a'])
  t.notOk(fences.holds(changed))
  const marked = await stampOf(fences, 'a')
  await fences.mark(['a'])
  t.notOk(fences.holds(marked))
  const forgotten = await stampOf(fences, 'a')
  await stampOf(fences, 'b', 'c')
  t.notOk(fences.holds(forgotten))
})

t.test('fences that one tenant opens without end displace none of another tenant', async (t) => {
  const fences = new LocalFences({ clock: systemClock, maxFences: 100 })
  const quiet = await stampOf(fences, tenantFence('7'), subjectFence('7', 'customer', '1'))
  for (let id = 0; id < 1_000; id++) await stampOf(fences, subjectFence('8', 'customer', `${id}`))
  t.ok(fences.holds(quiet))
  t.equal(fences.sight(subjectFence('8', 'customer', '0')).value, null, 'its own give way')
})

t.test('fences of a credential that was not accepted leave nothing behind', async (t) => {
  const fences = new LocalFences({ clock: systemClock, maxFences: 100 })
  const names = [tenantFence('7'), subjectFence('7', 'customer', '1')]
  const [known] = await stampOf(fences, tenantFence('7'))
  const { stamp } = await fences.open(names, null, true)
  t.equal(stamp[0], known)
  fences.abandon(stamp)
  t.strictSame(
    names.map((name) => fences.sight(name).value),
    [known?.[1], null],
    'but for what was there before',
  )
})

/** What every fence store must do (design section 4); run over each implementation. */
import type { Test } from 'tap'
import {
  type FenceStamp,
  type FenceStore,
  holdsButForMarks,
  holdsBySight,
} from '../../src/cache/fence.ts'
import { FakeClock } from '../helpers/clock.ts'

export async function fencesContract(
  t: Test,
  make: (clock: FakeClock) => FenceStore,
): Promise<void> {
  await t.test('what was opened holds until it is changed', async (t) => {
    const fences = make(new FakeClock())
    const { stamp, pending } = await fences.open(['a', 'b'], null)
    t.equal(pending, false)
    t.equal(fences.holds(stamp), true)
    t.strictSame(
      (await fences.open(['a', 'b'], null)).stamp,
      stamp,
      'opening again changes nothing',
    )
    await fences.change(['b'])
    t.equal(fences.holds(stamp), false)
    t.equal(fences.holds(stamp.slice(0, 1)), true)
  })

  await t.test('a fence that is missing holds nothing', (t) => {
    const fences = make(new FakeClock())
    t.equal(fences.holds([['never', '1']]), false)
    t.equal(fences.holds([]), true)
    t.end()
  })

  await t.test('values never come back', async (t) => {
    const fences = make(new FakeClock())
    const seen = new Set<string>()
    for (let i = 0; i < 1_000; i++) {
      await fences.change(['a'])
      seen.add(fences.peek(['a']))
    }
    t.equal(seen.size, 1_000)
  })

  await t.test('while a write is pending nothing holds, and fills are told', async (t) => {
    const fences = make(new FakeClock())
    const before = await fences.open(['a'], null)
    const write = await fences.begin(['a'], 1_000)
    t.equal(fences.holds(before.stamp), false)
    const during = await fences.open(['a'], null)
    t.equal(during.pending, true)
    t.equal(fences.holds(during.stamp), false)
    await fences.settle(write, ['b'], 0)
    const after = await fences.open(['a'], null)
    t.equal(after.pending, false)
    t.equal(fences.holds(during.stamp), false, 'what was opened during the write is void')
    t.equal(fences.holds(after.stamp), true)
    t.equal(await fences.extend(during, []), null)
  })

  await t.test('settling changes what only the outcome named', async (t) => {
    const fences = make(new FakeClock())
    const { stamp } = await fences.open(['b'], null)
    await fences.settle(await fences.begin(['a'], 1_000), ['b'], 0)
    t.equal(fences.holds(stamp), false)
  })

  await t.test('of two writes at once, the later to settle ends the wait', async (t) => {
    const fences = make(new FakeClock())
    const one = await fences.begin(['a'], 1_000)
    const two = await fences.begin(['a'], 1_000)
    await fences.settle(one, [], 0)
    t.equal((await fences.open(['a'], null)).pending, true)
    await fences.settle(two, [], 0)
    t.equal((await fences.open(['a'], null)).pending, false)
  })

  await t.test('a write that never settles runs out, and that counts as a change', async (t) => {
    const clock = new FakeClock()
    const fences = make(clock)
    await fences.begin(['a'], 1_000)
    const during = await fences.open(['a'], null)
    clock.advance(999)
    t.equal((await fences.open(['a'], null)).pending, true)
    clock.advance(1)
    const after = await fences.open(['a'], null)
    t.equal(after.pending, false)
    t.equal(fences.holds(after.stamp), true)
    t.equal(fences.holds(during.stamp), false)
  })

  await t.test('a write of unknown outcome stays pending for as long as asked', async (t) => {
    const clock = new FakeClock()
    const fences = make(clock)
    await fences.settle(await fences.begin(['a'], 1_000), ['b'], 5_000)
    clock.advance(4_999)
    for (const name of ['a', 'b']) t.equal((await fences.open([name], null)).pending, true, name)
    clock.advance(1)
    for (const name of ['a', 'b']) t.equal((await fences.open([name], null)).pending, false, name)
  })

  await t.test('a family is added only if no family has changed since', async (t) => {
    const fences = make(new FakeClock())
    const open = await fences.open(['a'], 'kin')
    const extended = await fences.extend(open, ['family'])
    t.equal(extended?.length, 2)
    t.equal(fences.holds(extended ?? []), true)
    await fences.change(['family', 'kin'])
    t.equal(fences.holds(extended ?? []), false)
    t.equal(await fences.extend(open, ['family']), null)
    t.equal((await fences.extend(open, []))?.length, 1, 'without a family it does not matter')
    const during = await fences.open(['a'], 'kin')
    await fences.begin(['family'], 1_000)
    t.equal(await fences.extend(during, ['family']), null, 'nor while a write to it is pending')
    t.equal(await fences.extend(await fences.open(['a'], null), ['family']), null, 'or unasked for')
  })

  await t.test('a mere look sees what holds, and creates nothing', async (t) => {
    const clock = new FakeClock()
    const fences = make(clock)
    const sees = (stamp: FenceStamp): boolean => holdsBySight(stamp, (name) => fences.sight(name))
    t.match(fences.sight('a'), { name: 'a', value: null, mark: null, isPending: false })
    t.match(fences.sight('a'), { value: null, mark: null }, 'still not there')
    const { stamp } = await fences.open(['a', 'b'], null)
    t.equal(sees(stamp), true)
    t.equal(fences.sight('a').mark, fences.peek(['a']))
    await fences.begin(['a'], 1_000)
    t.equal(fences.sight('a').isPending, true)
    t.equal(sees(stamp), false)
    const during = (await fences.open(['a'], null)).stamp
    clock.advance(999)
    t.equal(fences.sight('a').isPending, true)
    clock.advance(1)
    t.equal(fences.sight('a').isPending, false)
    t.equal(sees(during), false, 'a write that ran out of time is a change, for one who looks, too')
    t.equal(fences.holds(during), false)
    await fences.change(['b'])
    t.equal(sees(stamp.slice(1)), false)
  })

  await t.test('peeking tells a change, and creates what is missing', async (t) => {
    const fences = make(new FakeClock())
    const first = fences.peek(['a', 'b'])
    await fences.open(['a', 'b'], null)
    t.equal(fences.peek(['a', 'b']), first)
    await fences.change(['b'])
    t.not(fences.peek(['a', 'b']), first)
  })

  await t.test('what was marked is true and no longer exact, until it is changed', async (t) => {
    const fences = make(new FakeClock())
    const { stamp } = await fences.open(['a', 'b'], null)
    t.equal(await fences.mark(['a']), true)
    t.equal(fences.holds(stamp), false)
    t.equal(holdsButForMarks(fences, stamp), true)
    t.equal(fences.holds(stamp.slice(1)), true, 'and the other as before')
    await fences.mark(['a'])
    t.equal(holdsButForMarks(fences, stamp), true, 'however often')
    const anew = await fences.open(['a', 'b'], null)
    t.equal(fences.holds(anew.stamp), true, 'what is filled now is fresh')
    t.notSame(anew.stamp, stamp)
    await fences.mark(['a'])
    t.equal(fences.holds(anew.stamp), false, 'until the next mark')
    t.equal(holdsButForMarks(fences, anew.stamp), true)
    await fences.change(['a'])
    for (const each of [stamp, anew.stamp]) t.equal(holdsButForMarks(fences, each), false)
  })

  await t.test('a fill from before a mark is not to be stored, nor joined after it', async (t) => {
    const fences = make(new FakeClock())
    const open = await fences.open(['a'], 'kin')
    const before = fences.peek(['a'])
    await fences.mark(['a'])
    t.equal(await fences.extend(open, []), null)
    t.not(fences.peek(['a']), before)
  })

  await t.test('a mark brings nothing back, and hides no write', async (t) => {
    const fences = make(new FakeClock())
    const { stamp } = await fences.open(['a'], null)
    const write = await fences.begin(['a'], 1_000)
    await fences.mark(['a'])
    t.equal(holdsButForMarks(fences, stamp), false)
    const during = await fences.open(['a'], null)
    t.equal(during.pending, true, 'the write is still under way')
    t.equal(holdsButForMarks(fences, during.stamp), false)
    await fences.settle(write, [], 0)
    t.equal((await fences.open(['a'], null)).pending, false)
    for (const each of [stamp, during.stamp]) t.equal(holdsButForMarks(fences, each), false)
  })

  await t.test('a fence that is missing is made anew by a mark, and holds nothing', async (t) => {
    const fences = make(new FakeClock())
    await fences.mark(['never'])
    t.equal(holdsButForMarks(fences, [['never', 'x']]), false)
    t.equal(holdsButForMarks(fences, [['another', '1']]), false)
    const { stamp } = await fences.open(['never'], null)
    t.equal(fences.holds(stamp), true)
  })

  await t.test('a rejected write leaves what was stored as it was', async (t) => {
    const fences = make(new FakeClock())
    const before = await fences.open(['a'], null)
    const write = await fences.begin(['a'], 1_000)
    t.equal(fences.holds(before.stamp), false)
    await fences.restore(write)
    t.equal((await fences.open(['a'], null)).pending, false)
    t.equal(fences.holds(before.stamp), true)
    t.ok(await fences.extend(before, []), 'and a fill from before it is stored')
  })

  await t.test('a rejected write hides neither another nor what that one changed', async (t) => {
    const fences = make(new FakeClock())
    const { stamp } = await fences.open(['a'], null)
    const one = await fences.begin(['a'], 1_000)
    const two = await fences.begin(['a'], 1_000)
    await fences.restore(one)
    t.equal((await fences.open(['a'], null)).pending, true, 'the other is under way')
    await fences.settle(two, [], 0)
    t.equal((await fences.open(['a'], null)).pending, false)
    t.equal(fences.holds(stamp), false)
  })

  await t.test(
    'of two writes the one that never settles is a change, however late the other is rejected',
    async (t) => {
      const clock = new FakeClock()
      const fences = make(clock)
      const { stamp } = await fences.open(['a'], null)
      await fences.begin(['a'], 1_000)
      clock.advance(500)
      const two = await fences.begin(['a'], 1_000)
      clock.advance(900)
      await fences.restore(two)
      t.equal((await fences.open(['a'], null)).pending, false)
      t.equal(fences.holds(stamp), false)
    },
  )

  await t.test(
    'a family that a write has left in doubt is not added to a fill from before',
    async (t) => {
      const clock = new FakeClock()
      const fences = make(clock)
      const open = await fences.open(['a'], 'kin')
      await fences.begin(['family', 'kin'], 1_000)
      clock.advance(1_000)
      t.equal(await fences.extend(open, ['family']), null)
    },
  )

  await t.test('of an exchange that came to nothing no fence is left', async (t) => {
    const fences = make(new FakeClock())
    const lasting = await fences.open(['tenant'], null)
    const { stamp, kin } = await fences.open(['tenant', 'a', 'b'], 'kin', true)
    await fences.open(['a'], null)
    fences.abandon([...stamp, kin as FenceStamp[number]])
    for (const name of ['b', 'kin']) t.equal(fences.sight(name).value, null, name)
    t.equal(fences.holds(lasting.stamp), true, 'what was there before stays')
    t.equal(fences.holds(stamp.slice(1, 2)), true, 'and what a better one uses')
  })

  await t.test('an exchange that is refused takes nothing from one beside it', async (t) => {
    const fences = make(new FakeClock())
    const good = await fences.open(['tenant', 'a'], null, true)
    const bad = await fences.open(['tenant', 'a'], null, true)
    fences.abandon(bad.stamp)
    t.equal(fences.holds(good.stamp), true)
    fences.keep(good.stamp)
    const next = await fences.open(['tenant', 'a'], null, true)
    fences.abandon(next.stamp)
    t.equal(fences.holds(good.stamp), true, 'what is kept stays, whoever opens it later')
  })
}

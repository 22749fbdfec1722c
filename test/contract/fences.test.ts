import t from 'tap'
import { LocalFences } from '../../src/stores/local-fences.ts'
import { FakeClock } from '../helpers/clock.ts'
import { fencesContract } from './fences.ts'

t.test('fences in this process', (t) =>
  fencesContract(t, (clock) => new LocalFences({ clock, maxFences: 1_000 })),
)

t.test(
  'a fence that was evicted holds nothing, and one with a write pending is never evicted',
  async (t) => {
    const fences = new LocalFences({ clock: new FakeClock(), maxFences: 10 })
    const { stamp } = await fences.open(['a'], null)
    await fences.begin(['b'], 1_000)
    for (let i = 0; i < 50; i++) await fences.open([`other-${i}`], null)
    t.equal(fences.holds(stamp), false)
    t.equal((await fences.open(['b'], null)).pending, true)
  },
)

import t from 'tap'
import { growthOf, type Sample } from '../../../bench/scale/growth.ts'

const TOTAL = 10_000_000

/** Forty samples along ten million hits; before the first million more than after it. */
function samples(bytesPerHit: number, noiseMib = 0): Sample[] {
  return Array.from({ length: 40 }, (_, i) => {
    const hits = ((i + 1) * TOTAL) / 40
    const kept = (hits * bytesPerHit) / 1_048_576
    const warming = hits < 1_000_000 ? 40 : 0
    const noise = i % 2 === 0 ? noiseMib : -noiseMib
    return {
      hits,
      residentMib: 150 + kept + noise + warming,
      heapMib: 30 + kept + noise / 8 + warming,
      externalMib: 7,
    }
  })
}

t.test('a run that keeps nothing is within the bounds, however it moves', async (t) => {
  const growth = growthOf(samples(0, 6), TOTAL)
  t.equal(growth.isWithin, true)
  t.equal(growth.residentMib, 0)
  t.same([growth.warm.from, growth.last.to], [1_000_000, TOTAL])
})

t.test('one pointer kept for every eighth hit is found', async (t) => {
  const growth = growthOf(samples(1, 1), TOTAL)
  t.equal(growth.isWithin, false)
  t.ok(growth.heapMib > 7.5 && growth.heapMib < 8.6, `${growth.heapMib} MiB`)
  t.ok(Math.abs(growth.bytesPerHit - 1) < 0.1, `${growth.bytesPerHit} bytes a hit`)
})

t.test('memory that only the kernel sees counts too', async (t) => {
  const heapless = samples(8).map((sample) => ({ ...sample, heapMib: 30 }))
  t.equal(growthOf(heapless, TOTAL).isWithin, false)
})

t.test('a run too short to be judged is no success', async (t) => {
  t.throws(() => growthOf(samples(0).slice(0, 4), TOTAL), /no sample/)
})

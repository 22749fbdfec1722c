import fc from 'fast-check'
import t from 'tap'
import { MaxHeap, type Placed } from '../../../src/stores/max-heap.ts'

interface Item extends Placed {
  weight: number
}

t.test('the heaviest is on top, whatever came, went, grew or shrank', (t) => {
  const step = fc.tuple(fc.nat(3), fc.nat(30), fc.nat(100))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new MaxHeap<Item>(({ weight }) => weight)
      const items: Item[] = []
      for (const [kind, which, weight] of steps) {
        const item = items[which % Math.max(items.length, 1)]
        if (kind === 0 || item === undefined) {
          const added = { weight, place: 0 }
          items.push(added)
          heap.add(added)
        } else if (kind === 1) {
          heap.remove(item)
          items.splice(items.indexOf(item), 1)
        } else if (weight >= item.weight) {
          item.weight = weight
          heap.grown(item)
        } else {
          item.weight = weight
          heap.shrunk(item)
        }
        const weights = items.map((each) => each.weight).sort((a, b) => b - a)
        if (heap.top?.weight !== weights[0]) return false
        const largest = heap.largest(10).map((each) => each.weight)
        if (largest.join() !== weights.slice(0, 10).join()) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.end()
})

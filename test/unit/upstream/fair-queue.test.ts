import t from 'tap'
import { FairQueue } from '../../../src/upstream/fair-queue.ts'

t.test('parties are served in turn, each in the order of arrival', (t) => {
  const queue = new FairQueue<string>()
  for (const one of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(one.charAt(0), one)
  t.equal(queue.size, 6)
  t.equal(queue.next, 'a1')
  const order = Array.from({ length: 7 }, () => queue.take())
  t.same(order, ['a1', 'b1', 'c1', 'a2', 'c2', 'a3', undefined])
  t.equal(queue.size, 0)
  t.equal(queue.next, undefined)
  t.end()
})

t.test('who gives up is forgotten, with its party', (t) => {
  const queue = new FairQueue<string>()
  for (const one of ['a1', 'b1', 'b2']) queue.add(one.charAt(0), one)
  queue.delete('a', 'a1')
  queue.delete('a', 'a1')
  queue.delete('b', 'b9')
  t.equal(queue.size, 2)
  t.same([queue.sizeOf('a'), queue.sizeOf('b')], [0, 2])
  t.same([queue.take(), queue.take(), queue.take()], ['b1', 'b2', undefined])
  t.end()
})

t.test('the party with most waiting gives up its oldest', (t) => {
  const queue = new FairQueue<string>()
  for (const one of ['a1', 'b1', 'b2', 'b3', 'a2']) queue.add(one.charAt(0), one)
  t.equal(queue.longest, 3)
  t.equal(queue.takeFromLongest(), 'b1')
  t.equal(queue.longest, 2)
  t.equal(new FairQueue<string>().takeFromLongest(), undefined)
  t.equal(new FairQueue<string>().longest, 0)
  t.end()
})

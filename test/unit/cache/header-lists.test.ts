import t from 'tap'
import { HeaderLists } from '../../../src/cache/header-lists.ts'
import type { HeaderList } from '../../../src/cache/records.ts'

const list = (...values: string[]): HeaderList => values.map((value, i) => [`x-${i}`, value])

t.test('equal lists are kept once', async (t) => {
  const lists = new HeaderLists()
  const first = lists.shared(list('a', 'b'))
  t.equal(lists.shared(list('a', 'b')), first)
})

t.test('a list is never taken for another', async (t) => {
  const lists = new HeaderLists()
  const all: HeaderList[] = [
    list('a', 'b'),
    list('b', 'a'),
    list('a'),
    list('a:b'),
    [
      ['x-0', 'a'],
      ['x-0', 'b'],
    ],
    [
      ['x-1', 'b'],
      ['x-0', 'a'],
    ],
    [['x-0', '']],
    [],
  ]
  for (const one of all) t.same(lists.shared(one), one)
  for (const one of all) t.same(lists.shared(one), one)
})

t.test('long lists are left alone, and many are forgotten', async (t) => {
  const lists = new HeaderLists()
  const long = list('v'.repeat(2_048))
  t.equal(lists.shared(long), long)
  t.not(lists.shared(list('v'.repeat(2_048))), long)
  const first = lists.shared(list('0'))
  for (let i = 1; i <= 256; i++) lists.shared(list(String(i)))
  const again = list('0')
  t.equal(lists.shared(again), again)
  t.not(again, first)
})

import t from 'tap'
import { isEntityTag, opaqueTag } from '../../../src/cache/entity-tag.ts'

t.test('an entity tag is quoted, and may be weak', (t) => {
  for (const tag of ['"a"', '""', 'W/"a"', '"a,b"', '"!#~"', '"\x80\xff"'])
    t.ok(isEntityTag(tag), tag)
  t.end()
})

t.test('what is no entity tag is none', (t) => {
  const others = [
    '',
    'v5',
    '"v5',
    'v5"',
    "'v5'",
    '"a b"',
    '"a"b"',
    '"a", "b"',
    'w/"a"',
    'W/ "a"',
    'W/a',
    '*',
    ' "a"',
  ]
  for (const text of others) t.notOk(isEntityTag(text), text)
  t.end()
})

t.test('weak comparison compares what is quoted', (t) => {
  t.equal(opaqueTag('W/"a"'), '"a"')
  t.equal(opaqueTag('"a"'), '"a"')
  t.equal(opaqueTag('a'), null)
  t.end()
})

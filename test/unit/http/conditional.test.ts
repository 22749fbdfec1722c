import t from 'tap'
import { noneMatchFails } from '../../../src/http/conditional.ts'

const OWN = '"noAUUuJrsMN8nKfDR2nN0g"'

const MATCHING = [
  OWN,
  `W/${OWN}`,
  '*',
  ' * ',
  ` ${OWN} `,
  `"other", ${OWN}`,
  `${OWN}, "other"`,
  `"other",${OWN},W/"third"`,
  `"a,b", W/${OWN}`,
  `"a, ",${OWN}`,
  `,, ${OWN}`,
  `"other" , \t${OWN}`,
  `"",${OWN}`,
]

for (const field of MATCHING) {
  t.test(`If-None-Match: ${field} matches`, (t) => {
    t.ok(noneMatchFails(field, OWN))
    t.end()
  })
}

const DIFFERING = [
  '',
  ',',
  '"other"',
  'W/"other"',
  OWN.slice(1, -1),
  OWN.slice(0, -1),
  OWN.toLowerCase(),
  `w/${OWN}`,
  `W/ ${OWN}`,
  `"${OWN}"`,
  `"x, ${OWN.slice(1)}`,
  '"*"',
  '**',
  `${OWN}${OWN}`,
]

for (const field of DIFFERING) {
  t.test(`If-None-Match: ${field} does not match`, (t) => {
    t.notOk(noneMatchFails(field, OWN))
    t.end()
  })
}

t.test('the comparison is weak on both sides', (t) => {
  t.ok(noneMatchFails('"a"', 'W/"a"'))
  t.ok(noneMatchFails('W/"a"', 'W/"a"'))
  t.notOk(noneMatchFails('"b"', 'W/"a"'))
  t.end()
})

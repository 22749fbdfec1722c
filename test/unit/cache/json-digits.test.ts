import fc from 'fast-check'
import t from 'tap'
import { digitsOf } from '../../../src/cache/json-digits.ts'
import { integerMember, parseObject } from '../../../src/cache/json-member.ts'

const LARGE = '9007199254740993'

function read(json: string): unknown {
  const object = parseObject(json)
  return object === null ? 'no object' : integerMember(json, object, 'parent_id')
}

const CASES: readonly [title: string, json: string, expected: string][] = [
  ['alone', `{"parent_id":${LARGE}}`, LARGE],
  ['with white space everywhere', `{ "parent_id"\n\t\r : \n${LARGE}\r}`, LARGE],
  [
    'with much white space',
    `{"parent_id"${' '.repeat(10_000)}:${' '.repeat(10_000)}${LARGE}}`,
    LARGE,
  ],
  ['escaped', `{"p\\u0061rent\\u005fid":${LARGE}}`, LARGE],
  ['beside another name that is there twice', `{"parent_id":${LARGE},"a":1,"a":2}`, LARGE],
  [
    'beside deep nesting',
    `{"x":${'['.repeat(50_000)}${']'.repeat(50_000)},"parent_id":${LARGE}}`,
    LARGE,
  ],
  [
    'after the same name within',
    `{"x":{"parent_id":8},"y":["parent_id",{"parent_id":9}],"parent_id":${LARGE}}`,
    LARGE,
  ],
  ['after a value that says the name', `{"x":"parent_id","parent_id":${LARGE}}`, LARGE],
  ['after texts with brackets and quotes', `{"x":"\\"}]{[\\\\","parent_id":${LARGE}}`, LARGE],
  ['before a longer name', `{"parent_id":${LARGE},"parent_id2":7}`, LARGE],
  ['there twice', `{"parent_id":1,"parent_id":${LARGE}}`, 'invalid'],
  ['there twice, once escaped', `{"p\\u0061rent_id":${LARGE},"parent_id":${LARGE}}`, 'invalid'],
  ['as a fraction', `{"parent_id":${LARGE}.0}`, 'invalid'],
  ['with an exponent', '{"parent_id":1e30}', 'invalid'],
  ['negative', `{"parent_id":-${LARGE}}`, 'invalid'],
  ['too large for a number', `{"parent_id":${'9'.repeat(400)}}`, 'invalid'],
]

for (const [title, json, expected] of CASES) {
  t.test(`an id above 2^53, ${title}, is ${expected}`, async (t) => t.equal(read(json), expected))
}

t.test('the digits of any member of any object are found', async () => {
  const digits = fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n }).map(String)
  const blank = fc.constantFrom('', ' ', '\n', '\t \r\n')
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.string(),
      digits,
      blank,
      (before, after, name, value, white) => {
        fc.pre(!Object.hasOwn(before, name) && !Object.hasOwn(after, name))
        const members = (object: object): string[] =>
          Object.entries(object).map(
            ([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`,
          )
        const own = `${JSON.stringify(name)}${white}:${white}${value}`
        const json = `{${[...members(before), own, ...members(after)].join(`${white},`)}}`
        return digitsOf(json, name) === value
      },
    ),
    { numRuns: 2_000 },
  )
})

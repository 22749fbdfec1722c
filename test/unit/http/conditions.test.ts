import t from 'tap'
import { tagMint } from '../../../src/cache/minted-tag.ts'
import { canNotMatch, conditionsForApi } from '../../../src/http/conditions.ts'

const MINTED = tagMint('secret')('7', 'a', Buffer.from('{}'))
const MINTED_GZ = MINTED.replace(/"$/, '-gz"')

const CASES: readonly (readonly [
  field: string,
  onCached: string | null,
  elsewhere: string | null,
])[] = [
  ['"v5-gz"', '"v5"', '"v5-gz"'],
  ['"v5-br", W/"v4-zs" ,"a,b"', '"v5", W/"v4" ,"a,b"', '"v5-br", W/"v4-zs" ,"a,b"'],
  ['"v5-gz-id"', '"v5-gz"', '"v5-gz-id"'],
  ['*', '*', '*'],
  ['', '', ''],
  ['v5-gz', 'v5-gz', 'v5-gz'],
  [
    'Sat, 20 Aug 2022 10:11:12 GMT',
    'Sat, 20 Aug 2022 10:11:12 GMT',
    'Sat, 20 Aug 2022 10:11:12 GMT',
  ],
  [MINTED, null, null],
  [MINTED_GZ, null, null],
  [`W/${MINTED}`, null, null],
  [`${MINTED}, ,${MINTED_GZ}`, null, null],
  [`${MINTED}, "v5-gz",, "v4"`, '"v5", "v4"', '"v5-gz", "v4"'],
  [`${MINTED} "v5"`, '"v5"', '"v5"'],
  [`${MINTED}, v5`, null, null],
]

for (const [field, onCached, elsewhere] of CASES) {
  t.test(
    `the condition ${field.replaceAll(MINTED.slice(1, -1), 'MINTED')} goes on in the API's terms`,
    (t) => {
      for (const name of ['if-match', 'if-none-match', 'if-range']) {
        const headers = ['accept', '*/*', name, field]
        const sent = (known: string | null): string[] =>
          known === null ? ['accept', '*/*'] : ['accept', '*/*', name, known]
        t.strictSame(conditionsForApi(headers, true), sent(onCached))
        t.strictSame(conditionsForApi(headers, false), sent(elsewhere))
      }
      t.equal(canNotMatch(field), onCached === null)
      t.end()
    },
  )
}

t.test('a range goes with the condition that it depends on', (t) => {
  const headers = ['range', 'bytes=0-5', 'if-range', MINTED, 'accept', 'if-range']
  t.strictSame(conditionsForApi(headers, false), ['accept', 'if-range'])
  t.end()
})

t.test('what has no condition is left as it is', (t) => {
  const headers = ['accept', 'if-match', 'x', '"v5-gz"']
  t.equal(conditionsForApi(headers, true), headers)
  t.end()
})

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ROWS, reliabilityPage } from '../../../docs/reliability.ts'

const ROOT = new URL('../../../../', import.meta.url)
const page = readFileSync(fileURLToPath(new URL('docs/reliability.md', ROOT)), 'utf8')

t.test('the page has each promise of the catalogue, and the figures that were seen', (t) => {
  t.equal(reliabilityPage([], page), page)
  const changed = reliabilityPage(['7 of 9 accepted, 0 differences'], page)
  t.match(changed, '| `integration/fast-path-parsers` | 7 of 9 accepted, 0 differences |')
  t.equal(changed.split('\n').length, page.split('\n').length)
  t.end()
})

/** Of the catalogue: what is promised of the API behind, of the process, of its faults. */
const ASKED = [
  ...['S3', 'S6', 'S7', 'S10', 'S11', 'S14'],
  ...Array.from({ length: 9 }, (_, i) => `U${i + 1}`),
  ...Array.from({ length: 5 }, (_, i) => `P${i + 1}`),
  ...Array.from({ length: 25 }, (_, i) => `F${i + 19}`),
]

t.test('nothing of the catalogue is left out', (t) => {
  const told = ROWS.map(({ id, promise }) => `${id} ${promise}`).join('\n')
  for (const id of ASKED) t.match(told, new RegExp(`\\b${id}\\b`), id)
  t.end()
})

t.test('each test that it names is there', (t) => {
  for (const { test } of ROWS) {
    const found = [`test/${test}.test.ts`, `test/${test}.ts`].some((path) =>
      existsSync(fileURLToPath(new URL(path, ROOT))),
    )
    t.ok(found, test)
  }
  t.end()
})

t.test('each test that the threat model names is there', (t) => {
  const model = readFileSync(fileURLToPath(new URL('docs/security.md', ROOT)), 'utf8')
  const named = [...model.matchAll(/`((?:unit|integration|contract)\/[a-z/-]+)`/g)]
  t.ok(named.length > 30)
  for (const [, test = ''] of named) {
    t.ok(existsSync(fileURLToPath(new URL(`test/${test}.test.ts`, ROOT))), test)
  }
  t.end()
})

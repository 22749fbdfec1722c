/** The page of threats, the markers in the source and the table of mutants name the same guards and tests. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { GUARDS } from '../../mutants/guards.ts'
import { markersIn, mutate } from '../../mutants/markers.ts'
import { rowsOf } from '../../mutants/page.ts'
import { guardPlaces } from '../../mutants/sources.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const rows = rowsOf(readFileSync(join(ROOT, 'docs/security.md'), 'utf8'))
const places = guardPlaces(ROOT)
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

t.test('each row of the page names its guards, and each guard is in a row', (t) => {
  for (const { threat, guards } of rows) t.ok(guards.length > 0, threat)
  t.strictSame(sorted(rows.flatMap(({ guards }) => guards)), sorted(places.keys()))
  t.end()
})

t.test('each marker has its mutant, once, and each mutant its marker', (t) => {
  t.strictSame(GUARDS.map(({ name }) => name).sort(), sorted(places.keys()))
  t.end()
})

t.test(
  'each row names the tests that notice when one of its guards is missing, and no others',
  (t) => {
    for (const { threat, tests, guards } of rows) {
      const held = GUARDS.filter(({ name }) => guards.includes(name)).flatMap(
        (guard) => guard.tests,
      )
      t.strictSame(sorted(tests), sorted(held.map(({ file }) => file)), threat)
    }
    t.end()
  },
)

t.test('each mutant has tests, which are there, with the titles that it names', (t) => {
  for (const { name, tests } of GUARDS) {
    t.ok(tests.length > 0, name)
    for (const { file, title } of tests) {
      const path = join(ROOT, `test/${file}.test.ts`)
      if (t.ok(existsSync(path), `${name}: ${file}`) && title !== undefined) {
        t.ok(readFileSync(path, 'utf8').includes(title), `${name}: ${file} has ${title}`)
      }
    }
  }
  t.end()
})

t.test('what each mutant replaces is there, once, right after its marker', (t) => {
  for (const guard of GUARDS) {
    const place = places.get(guard.name)
    if (place === undefined) continue
    const text = readFileSync(join(ROOT, place.file), 'utf8')
    t.not(mutate(text, guard), text, guard.name)
  }
  t.end()
})

t.test('a marker that is missing, or a guard that has changed, is an error', (t) => {
  const text =
    '  // guard: a\n  if (isBad)\n    return\n  // guard: b\n  if (isOld) return\n}\nend()\n'
  const guard = (name: string, part: string, by = 'false') => {
    return mutate(text, { name, cuts: [[part, by]] })
  }
  t.strictSame(markersIn(text), ['a', 'b'])
  t.equal(guard('a', 'isBad'), text.replace('isBad', 'false'))
  t.equal(guard('a', 'if (isBad) return', ''), text.replace('if (isBad)\n    return', ''))
  t.throws(() => guard('c', 'isBad'), /no marker/)
  t.throws(() => guard('a', 'isGood'), /0 times/)
  t.throws(() => guard('b', 'isBad'), /0 times/, 'before the marker')
  t.throws(() => guard('b', 'end()'), /0 times/, 'past the end of the block')
  t.throws(() => guard('a', 'return'), /2 times/)
  t.end()
})

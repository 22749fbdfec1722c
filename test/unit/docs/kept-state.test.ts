/** Every collection that outlives a call is in `docs/kept-state.ts`, and so in `docs/reliability.md`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { KEPT_STATE, keptStateSection, OF_ONE_CALL } from '../../../docs/kept-state.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const SOURCES = join(ROOT, 'src')

/**
 * A map, a set, a list or a cache: as a field, made in a constructor, or outside of a function that is called again and
 * again. What is made of a fixed list is no collection of names; a WeakMap ends with its keys.
 */
const COLLECTION = new RegExp(
  [
    String.raw`^ {2}(?:readonly )?#?(\w+)(?:: [^=\n]+)? = (?:new (?:Map|Set|LRUCache|FairMap)(?:<.*>)?\(|\[\]$)`,
    String.raw`^ {4}this\.#(\w+) = new (?:LRUCache|FairMap)\b`,
    String.raw`^(?:export )?const (\w+)(?:: [^=\n]+)? = new (?:Map|Set|LRUCache)(?:<.*>)?\((?!\[|'|[A-Z])`,
    String.raw`^ {2}const (\w+) = new (?:LRUCache|FairMap|Map|Set)\b`,
  ].join('|'),
  'gm',
)

function collectionsIn(file: string, source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '')
  return [...code.matchAll(COLLECTION)].map((found) => `${file}#${found.slice(1).find(Boolean)}`)
}

const found = new Set(
  readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    // The command line ends with its command; the configuration is read once.
    .filter((file) => file.endsWith('.ts') && !/^(?:cli|config)\//.test(file))
    .flatMap((file) => collectionsIn(file, readFileSync(join(SOURCES, file), 'utf8'))),
)
const listed = [...KEPT_STATE.flatMap(({ places }) => places), ...OF_ONE_CALL]

t.test('each collection of the sources is listed, with its bound', async (t) => {
  t.ok(found.size > 50)
  t.strictSame(
    [...found].filter((place) => !listed.includes(place)),
    [],
    'add what is found to docs/kept-state.ts, and a case to test/unit/bounded-state.test.ts',
  )
})

t.test('what is listed is there, once', async (t) => {
  t.strictSame(
    listed.filter((place) => !found.has(place)),
    [],
  )
  t.equal(new Set(listed).size, listed.length)
  for (const { test } of KEPT_STATE) t.ok(existsSync(join(ROOT, `test/${test}.test.ts`)), test)
})

t.test('the page has the list', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/reliability.md'), 'utf8')
  t.ok(page.includes(keptStateSection()))
})

t.test('a collection is recognised', async (t) => {
  for (const source of [
    '  readonly #a = new Map<string, number>()',
    '  #a: Buffer[] = []',
    '    this.#a = new LRUCache({ max })',
    'const a = new Set<string>()',
    '  const a = new LRUCache<string, string>({ max })',
  ]) {
    t.strictSame(collectionsIn('x.ts', `${source}\n`), ['x.ts#a'])
  }
  for (const source of ["const A = new Set(['a'])", 'const a = new WeakMap<object, string>()']) {
    t.strictSame(collectionsIn('x.ts', source), [])
  }
})

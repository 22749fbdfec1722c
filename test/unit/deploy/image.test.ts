/** What of the image can be held without Docker; test/integration/image.test.ts walks its steps. */
import { existsSync, readFileSync } from 'node:fs'
import { join, normalize, relative } from 'node:path'
import t from 'tap'
import {
  copyOf,
  dockerfile,
  execForm,
  ignoreLines,
  isSent,
  labelsOf,
} from '../../helpers/dockerfile.ts'
import { pathsBelow, ROOT, textOf } from './files.ts'

const STAGES = dockerfile()
const IMAGE = STAGES.at(-1)!
const PACKAGE = JSON.parse(textOf('package.json')) as {
  readonly version: string
  readonly description: string
  readonly license: string
  readonly ltsNode: string
  readonly engines: { readonly node: string }
  readonly dependencies: Readonly<Record<string, string>>
}
const copies = (steps: readonly string[]) => steps.flatMap((step) => copyOf(step) ?? [])

t.test('every path that is copied exists and reaches Docker', (t) => {
  const seen = STAGES.flatMap(({ steps }) => copies(steps)).filter(
    (copy) => copy.stage === undefined,
  )
  t.ok(seen.length > 5)
  for (const path of seen.flatMap(({ paths }) => paths)) {
    t.ok(existsSync(join(ROOT, path)), `${path} exists`)
    t.ok(isSent(path), `${path} is not ignored`)
  }
  t.end()
})

t.test('nothing else reaches Docker: no secret, no file of git, no folder of modules', (t) => {
  const copied = STAGES.flatMap(({ steps }) => copies(steps)).flatMap(({ stage, paths }) =>
    stage === undefined ? paths : [],
  )
  const sent = ignoreLines().filter((line) => line.startsWith('!'))
  t.strictSame(
    sent.map((line) => line.slice(1)).sort(),
    [...new Set(copied.map((path) => path.split('/')[0]))].sort(),
  )
  for (const path of ['.git/config', 'node_modules/a', 'deploy/secrets/a', '.env', 'dist/a']) {
    t.notOk(isSent(path), path)
  }
  t.end()
})

t.test('no line stands twice', (t) => {
  t.equal(new Set(ignoreLines()).size, ignoreLines().length)
  for (const { name, steps } of STAGES) t.equal(new Set(steps).size, steps.length, name)
  t.end()
})

t.test('a later line of .dockerignore decides over an earlier one', (t) => {
  t.ok(isSent('a/b', ['*', '!a']))
  t.notOk(isSent('a/b', ['!a', '*']))
  t.notOk(isSent('a/b', ['*', '!a', 'a/b']))
  t.notOk(isSent('ab', ['*', '!a']))
  t.end()
})

/** Files that a source reads beside itself when it runs: `new URL('…', import.meta.url)`, as `dist/` has it. */
function readAtRunTime(): string[] {
  const found = pathsBelow('src').flatMap((source) =>
    [...textOf(source).matchAll(/new URL\(\s*'([^']+)',\s*import\.meta\.url/g)].map(([, to = '']) =>
      normalize(join('dist', source, '..', to)).replace(/\/$/, ''),
    ),
  )
  return [...new Set(found)]
}

t.test('every file that dist reads beside itself is copied', (t) => {
  const there = copies(IMAGE.steps).map(({ to, paths }) =>
    to === './' ? paths.map((path) => relative('/app', path)) : [to],
  )
  const read = readAtRunTime()
  t.ok(read.includes('package.json'), 'they are found')
  for (const path of read) {
    t.ok(
      there.flat().some((each) => path === each || path.startsWith(`${each}/`)),
      path,
    )
  }
  t.end()
})

t.test('labels say what is in it, and which source it was built from', (t) => {
  const labels = labelsOf(IMAGE)
  t.strictSame(labels, {
    'org.opencontainers.image.title': 'Layby',
    'org.opencontainers.image.description': PACKAGE.description,
    'org.opencontainers.image.version': PACKAGE.version,
    'org.opencontainers.image.revision': 'unknown',
    'org.opencontainers.image.created': 'unknown',
  })
  t.equal(PACKAGE.license, 'UNLICENSED', 'once one is chosen, a label has to say it')
  t.end()
})

t.test('process 1 is an init that passes signals on, and below it Node without a shell', (t) => {
  t.strictSame(execForm(IMAGE, 'ENTRYPOINT'), ['tini', '--'])
  t.match(IMAGE.steps.join('\n'), /apt-get install [^&]*\btini\b/)
  t.equal(execForm(IMAGE, 'CMD')[0], 'node')
  t.end()
})

/** @param wanted as npm writes it: `>=20.19`, alternatives by `||` */
function takes(wanted: string, major: number): boolean {
  return wanted.split('||').some((each) => {
    const [, sign, from] = /(>=|\^|~|)\s*v?(\d+)/.exec(each) ?? []
    return sign === '>=' ? major >= Number(from) : major === Number(from)
  })
}

t.test(
  'the Node of every stage is the one that the tests run on, and all packages take it',
  (t) => {
    const images = STAGES.map(({ from }) => from).filter((from) => from.startsWith('node:'))
    const majors = new Set(images.map((from) => Number(/^node:(\d+)-/.exec(from)?.[1])))
    t.strictSame([...majors], [Number.parseInt(PACKAGE.ltsNode, 10)])
    const [major = 0] = majors
    t.ok(takes(PACKAGE.engines.node, major))
    for (const name of [...Object.keys(PACKAGE.dependencies), 'typescript']) {
      const path = join(ROOT, 'node_modules', name, 'package.json')
      const { engines } = JSON.parse(readFileSync(path, 'utf8')) as { engines?: { node?: string } }
      if (engines?.node !== undefined) t.ok(takes(engines.node, major), `${name}: ${engines.node}`)
    }
    t.end()
  },
)

t.test('every version that deploy/ names of Layby is the package’s', (t) => {
  const named = [...pathsBelow('deploy'), 'Dockerfile'].flatMap((path) =>
    [...textOf(path).matchAll(/\blayby(?:-sample-upstream)?:(\d+\.\d+\.\d+)|newTag: (\S+)/g)].map(
      ([, image, tag]) => [path, image ?? tag] as const,
    ),
  )
  t.ok(named.length >= 3)
  for (const [path, version] of named) t.equal(version, PACKAGE.version, path)
  t.end()
})

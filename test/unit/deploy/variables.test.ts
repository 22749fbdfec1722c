/** What deploy/ says of Layby's configuration is true of the schema. */
import t from 'tap'
import { configKeys } from '../../../src/config/keys.ts'
import { fileVariableOf } from '../../../src/config/secret-files.ts'
import { pathsBelow, textOf } from './files.ts'

const KEYS = configKeys()
const KNOWN = new Set([
  'LAYBY_CONFIG',
  ...KEYS.map(({ variable }) => variable),
  ...KEYS.filter(({ isSecret }) => isSecret).map(fileVariableOf),
])
const FILES = [...pathsBelow('deploy'), 'Dockerfile', 'docs/operations.md']

t.test('every LAYBY_ variable that is named anywhere answers to a key', (t) => {
  let seen = 0
  for (const path of FILES) {
    for (const [variable] of textOf(path).matchAll(/LAYBY_[A-Z0-9_]+/g)) {
      seen++
      t.ok(KNOWN.has(variable), `${path}: ${variable}`)
    }
  }
  t.ok(seen > 10, 'some were seen')
  t.end()
})

t.test('every key that is named in a comment or a sentence exists', (t) => {
  const groups = [...new Set(KEYS.map(({ path }) => path.split('.')[0] as string))]
  const named = new RegExp(`(?<![.\\w])(?:${groups.join('|')})(?:\\.[a-z][A-Za-z]*)+\\b`, 'g')
  const paths = KEYS.map(({ path }) => path)
  const files = /\.(?:ts|js|md|ya?ml|json|conf|sh|acl|com)$/
  for (const path of FILES) {
    for (const [key] of textOf(path).matchAll(named)) {
      if (files.test(key)) continue
      t.ok(
        paths.some((each) => each === key || each.startsWith(`${key}.`)),
        `${path}: ${key}`,
      )
    }
  }
  t.end()
})

t.test('no file holds a secret', (t) => {
  for (const path of FILES) {
    t.notMatch(
      textOf(path),
      /(?:password|secret|token)["']?\s*[:=]\s*["']?[A-Za-z0-9_-]{20,}/i,
      path,
    )
    t.notMatch(textOf(path), /rediss?:\/\/[^/\s]*:[^@\s/]+@/, path)
  }
  t.end()
})

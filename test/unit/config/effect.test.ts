/** No key is without effect: each is read where something is done with it, outside the configuration. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { configKeys } from '../../../src/config/keys.ts'

const SOURCES = fileURLToPath(new URL('../../../../src/', import.meta.url))

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

const code = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('config/'))
  .map((file) => withoutComments(readFileSync(join(SOURCES, file), 'utf8')))

const keys = configKeys()

/** Files that name a key in code. Groups are handed on whole, so that a file may not say where the key is from. */
function readersOf(path: string): number {
  const word = new RegExp(`(?<![\\w'"-])${path.split('.').at(-1)}(?![\\w'"-])`)
  return code.filter((text) => word.test(text)).length
}

t.test('each key is read outside the configuration', async (t) => {
  t.ok(keys.length > 40)
  for (const { path } of keys) t.ok(readersOf(path) > 0, path)
})

t.test('a key that nobody reads is found', async (t) => {
  t.equal(readersOf('upstream.probePath'), 0)
  t.equal(readersOf('server.tls.nobodyReadsThis'), 0)
})

t.test('no key is said to be without effect', async (t) => {
  for (const { path, schema } of keys) {
    t.notMatch(schema.description ?? '', /without effect|no effect/i, path)
  }
})

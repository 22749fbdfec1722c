/** A configuration with a key that there is no longer says what to do about it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from '../../../src/config/config-error.ts'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { REMOVED_KEYS } from '../../../src/config/removed-keys.ts'

const defaultFile = fileURLToPath(new URL('../../../../config/default.json', import.meta.url))
const URL_SET = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
const CANARY = 'zqcanaryqz'
const folder = mkdtempSync(join(tmpdir(), 'layby-config-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const load = (environment: Record<string, string>) =>
  loadConfig({ defaultFile, environment: { ...URL_SET, ...environment } })

function refusalOf(environment: Record<string, string>): string {
  try {
    load(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

/** `a.b` as a file has it. */
function nested(path: string, value: unknown): unknown {
  return path.split('.').reduceRight((inner, name) => ({ [name]: inner }), value)
}

for (const { path, variable } of REMOVED_KEYS) {
  t.test(`${path} is told to be taken out, wherever it is set`, async (t) => {
    for (const value of [CANARY, null, 7]) {
      const file = join(folder, 'old.json')
      writeFileSync(file, JSON.stringify(nested(path, value)))
      const refusal = refusalOf({ LAYBY_CONFIG: file })
      t.ok(refusal.startsWith(`${path}: is no longer a key`), refusal)
      t.match(refusal, 'take it out of the file that LAYBY_CONFIG names')
      t.notMatch(refusal, CANARY)
    }
    const refusal = refusalOf({ [variable]: CANARY })
    t.ok(refusal.startsWith(`${path}: is no longer a key`), refusal)
    t.match(refusal, `unset ${variable}`)
    t.notMatch(refusal, CANARY)
    t.strictSame(load({ [variable]: '' }).unknownVariables, [variable], 'empty, it is not set')
  })
}

t.test('no key is both there and removed', async (t) => {
  const known = configKeys().flatMap(({ path, variable }) => [path, variable])
  for (const { path, variable } of REMOVED_KEYS) {
    t.notOk(known.includes(path), path)
    t.notOk(known.includes(variable), variable)
  }
})

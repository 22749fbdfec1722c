import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { configTable } from '../../../docs/generate.ts'
import { ConfigError } from '../../../src/config/config-error.ts'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'

const defaultFile = fileURLToPath(new URL('../../../../config/default.json', import.meta.url))
const URL_SET = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
const SECRET = 'zqcanaryqz: a secret for tests only, 32 long and more'
const load = (environment: Record<string, string>) =>
  loadConfig({ defaultFile, environment: { ...URL_SET, ...environment } })

const folder = mkdtempSync(join(tmpdir(), 'layby-'))
t.teardown(() => rmSync(folder, { recursive: true }))

let files = 0
function fileOf(text: string | Uint8Array): string {
  const file = join(folder, `${files++}`)
  writeFileSync(file, text)
  return file
}

t.test('what is secret may come by file, a final line break being no part of it', (t) => {
  for (const end of ['', '\n', '\r\n']) {
    const { config, origins, unknownVariables } = load({
      LAYBY_SECRET_FILE: fileOf(`${SECRET}${end}`),
      LAYBY_OPS_ADMIN_TOKEN_FILE: fileOf(`an-admin-token-of-16${end}`),
      LAYBY_REDIS_URL_FILE: fileOf(`redis://127.0.0.1:6379${end}`),
      LAYBY_REDIS_PASSWORD_FILE: fileOf(`password${end}`),
      LAYBY_REDIS_SENTINEL_PASSWORD_FILE: fileOf(`of sentinels${end}`),
    })
    t.equal(config.secret, SECRET)
    t.equal(origins.get('secret'), 'secret-file')
    t.equal(config.ops.adminToken, 'an-admin-token-of-16')
    t.equal(config.redis.url, 'redis://127.0.0.1:6379')
    t.equal(config.redis.password, 'password')
    t.equal(config.redis.sentinelPassword, 'of sentinels')
    t.strictSame(unknownVariables, [])
  }
  t.end()
})

t.test('a list has a member in each line, or between commas, and may be empty', (t) => {
  const [first, second] = ['x'.repeat(32), 'y'.repeat(32)]
  for (const text of [`${first}\n${second}\n`, `${first},${second}`]) {
    const { config } = load({ LAYBY_PREVIOUS_SECRETS_FILE: fileOf(text) })
    t.strictSame(config.previousSecrets, [first, second])
  }
  const { config } = load({ LAYBY_PREVIOUS_SECRETS_FILE: fileOf('\n') })
  t.strictSame(config.previousSecrets, [])
  t.end()
})

t.test('a variable set to nothing counts as not set', (t) => {
  const file = fileOf(SECRET)
  t.equal(load({ LAYBY_SECRET_FILE: file, LAYBY_SECRET: '' }).config.secret, SECRET)
  t.equal(load({ LAYBY_SECRET_FILE: '', LAYBY_SECRET: SECRET }).config.secret, SECRET)
  t.end()
})

t.test('what is not secret does not come by file', (t) => {
  const { config, unknownVariables } = load({ LAYBY_LOG_LEVEL_FILE: fileOf('debug') })
  t.equal(config.log.level, 'info')
  t.strictSame(unknownVariables, ['LAYBY_LOG_LEVEL_FILE'])
  t.end()
})

t.test('a file that will not do is refused by key and variable, never by name or value', (t) => {
  const missing = join(folder, 'zqcanaryqz')
  const cases: [string, Record<string, string>, RegExp][] = [
    ['secret', { LAYBY_SECRET_FILE: missing }, /LAYBY_SECRET_FILE names can't be read \(ENOENT\)/],
    ['secret', { LAYBY_SECRET_FILE: folder }, /can't be read \(EISDIR\)/],
    ['secret', { LAYBY_SECRET_FILE: fileOf('') }, /is empty/],
    ['secret', { LAYBY_SECRET_FILE: fileOf('\n') }, /is empty/],
    ['secret', { LAYBY_SECRET_FILE: fileOf(`${SECRET}\n${SECRET}`) }, /more than one line/],
    ['secret', { LAYBY_SECRET_FILE: fileOf('zqcanaryqz') }, /at least 32 characters/],
    ['secret', { LAYBY_SECRET_FILE: fileOf(`\uFEFF${SECRET}`) }, /begins with a byte order mark/],
    ['secret', { LAYBY_SECRET_FILE: fileOf(Buffer.from(SECRET, 'utf16le')) }, /has NUL bytes/],
    ['secret', { LAYBY_SECRET_FILE: fileOf(Buffer.alloc(40, 0xff)) }, /is not UTF-8 text/],
    ['redis.password', { LAYBY_REDIS_PASSWORD_FILE: fileOf('a\tb') }, /has control characters/],
    [
      'previousSecrets',
      { LAYBY_PREVIOUS_SECRETS_FILE: fileOf(Buffer.from(`${SECRET}\xe9`, 'latin1')) },
      /is not UTF-8 text/,
    ],
    ['secret', { LAYBY_SECRET_FILE: missing, LAYBY_SECRET: SECRET }, /set twice/],
    ['redis.password', { LAYBY_REDIS_PASSWORD_FILE: missing }, /LAYBY_REDIS_PASSWORD_FILE/],
    ['previousSecrets', { LAYBY_PREVIOUS_SECRETS_FILE: fileOf('zqcanaryqz') }, /32 characters/],
  ]
  for (const [key, environment, reason] of cases) {
    try {
      load(environment)
      t.fail(`taken: ${Object.keys(environment).join()}`)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      t.equal(error.key, key)
      t.match(error.message, reason)
      t.match(error.message, /^[^\n]+$/)
      t.notMatch(error.message, 'zqcanaryqz')
      t.notMatch(error.message, folder)
    }
  }
  t.end()
})

t.test('every key that sounds secret is, and the table says so', (t) => {
  for (const { path, isSecret } of configKeys()) {
    if (/secret|password|token$|redis\.url/i.test(path)) t.ok(isSecret, path)
    const [, below = ''] = configTable().split('Secrets may come by file')
    t.equal(below.includes(`\`${path}\``), isSecret, path)
  }
  t.end()
})

/** The error names what was most likely meant by a bad value, where it can't be a secret. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { certificatesFault } from '../../../src/config/certificates.ts'
import { ConfigError } from '../../../src/config/config-error.ts'
import { jsonFault } from '../../../src/config/json-fault.ts'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { nearTo, variablesNear } from '../../../src/config/near-miss.ts'
import { meantBy, unitOf } from '../../../src/config/units.ts'
import { makeCertificate } from '../../helpers/certificates.ts'

const defaultFile = fileURLToPath(new URL('../../../../config/default.json', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'layby-'))
t.teardown(() => rmSync(folder, { recursive: true }))

function reasonFor(environment: Record<string, string>): string {
  const url = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
  try {
    loadConfig({ defaultFile, environment: { ...url, ...environment } })
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'none'
}

function reasonForFile(text: string): string {
  const file = join(folder, 'own.json')
  writeFileSync(file, text)
  return reasonFor({ LAYBY_CONFIG: file }).replace(file, 'FILE')
}

t.test('the error for a value with a unit names the number that the key wants', async (t) => {
  const cases: [Record<string, string>, string][] = [
    [
      { LAYBY_CACHE_TTL_MS: '5m' },
      'cache.ttlMs: must be a whole number (milliseconds): milliseconds: 300000',
    ],
    [{ LAYBY_CACHE_TTL_MS: '1.5 h' }, 'milliseconds: 5400000'],
    [{ LAYBY_CACHE_TTL_MS: '300_000' }, 'milliseconds: 300000'],
    [{ LAYBY_CACHE_MEMORY_MAX_BYTES: '64MiB' }, 'bytes: 67108864'],
    [{ LAYBY_CACHE_MEMORY_MAX_BYTES: '64MB' }, 'bytes: 64000000'],
    [{ LAYBY_SERVER_UPLOAD_BYTES_PER_SECOND: '2kB/s' }, 'bytes a second: 2000'],
    [{ LAYBY_CACHE_CLIENT_MAX_AGE_SECONDS: '2min' }, 'seconds: 120'],
    [{ LAYBY_CACHE_TTL_JITTER: '10%' }, 'a fraction: 0.1'],
    [{ LAYBY_SERVER_FAST_PATH: 'off' }, 'server.fastPath: must be true or false: false'],
    [{ LAYBY_REDIS_TLS: '1' }, 'redis.tls: must be true or false: true'],
    [{ LAYBY_CACHE_TTL_MS: 'long' }, 'must be a whole number (milliseconds)'],
    [{ LAYBY_CACHE_TTL_MS: '0' }, ', in milliseconds'],
    [{ LAYBY_SERVER_PORT: 'http' }, 'server.port: must be a whole number'],
    [{ LAYBY_OPS_HOSTS: 'a, http://b' }, 'ops.hosts: must have another form: names and addresses'],
  ]
  for (const [environment, expected] of cases) t.match(reasonFor(environment), expected)
  t.match(reasonForFile('{"cache": {"ttlMs": "5m"}}'), 'milliseconds: 300000', 'in a file too')
})

t.test('each key that has a unit in its name says its unit', async (t) => {
  const named = configKeys().filter(({ path }) =>
    /(?:Ms|Bytes|Seconds|Second|Jitter|Ratio)$/.test(path),
  )
  t.ok(named.length > 20)
  for (const { path } of named) t.ok(unitOf(path) !== null, path)
  for (const { path, isSecret } of configKeys())
    if (isSecret) t.equal(meantBy(path, '5m'), null, path)
})

t.test('the error for an unknown name has those that are near', async (t) => {
  const cases: [string, string][] = [
    [
      '{"cache": {"ttl": 5}}',
      'cache.ttl: there is no such key: is cache.ttlMs or cache.ttlJitter meant?',
    ],
    ['{"cash": {}}', 'cash: there is no such key: is cache meant?'],
    ['{"redis": {"node": []}}', 'or redis.nodes meant?'],
    ['{"zqcanaryqz": 1}', 'zqcanaryqz: there is no such key'],
  ]
  for (const [text, expected] of cases) t.match(reasonForFile(text), expected)
  t.notMatch(reasonForFile('{"zqcanaryqz": 1}'), 'meant')
  t.strictSame(variablesNear('LAYBY_UPSTREAM_URI'), ['LAYBY_UPSTREAM_URL'])
  t.strictSame(variablesNear('LAYBY_MAX_MEMORY_BYTES'), ['LAYBY_CACHE_MEMORY_MAX_BYTES'])
  t.strictSame(variablesNear('LAYBY_PORT'), ['LAYBY_SERVER_PORT', 'LAYBY_OPS_PORT'])
  t.strictSame(variablesNear('LAYBY_SERVICE_HOST'), [], 'set by an orchestrator')
  t.strictSame(nearTo('x'.repeat(10_000), ['x']), [])
})

t.test('the error for a key without its value names a misspelt variable that is set', async (t) => {
  const lacking = { LAYBY_UPSTREAM_URL: '' }
  t.match(
    reasonFor({ ...lacking, LAYBY_UPSTREM_URL: 'http://zqcanaryqz.example' }),
    /^upstream\.url: is required: .*; no key answers to LAYBY_UPSTREM_URL: is LAYBY_UPSTREAM_URL meant\?$/,
  )
  t.match(
    reasonFor({ LAYBY_REDIS_URL: 'redis://127.0.0.1', LAYBY_SECRT: 'zqcanaryqz'.repeat(4) }),
    /^secret: is required .*LAYBY_SECRT: is LAYBY_SECRET meant\?$/,
  )
  t.notMatch(reasonFor({ ...lacking, LAYBY_UPSTREM_URL: 'zqcanaryqz' }), 'zqcanaryqz')
  t.notMatch(reasonFor({ ...lacking, LAYBY_SECRT: 'x' }), 'LAYBY_SECRT')
})

t.test(
  'the error for a file that is no JSON has line and column, and never its text',
  async (t) => {
    const cases: [string, string][] = [
      ['{', 'line 1, column 2: a name in double quotes'],
      ['{\n  "secret": "zqcanaryqz",\n}', 'line 3, column 1: a member after the comma'],
      ['{\n  "secret": zqcanaryqz\n}', 'line 2, column 13: a value'],
      ["{'secret': 1}", 'line 1, column 2: a name in double quotes'],
      ['{"a": 1 "b": 2}', 'line 1, column 9: a comma or }'],
      ['{"a": [1 2]}', 'line 1, column 10: a comma or ]'],
      ['{"a": "zqcanaryqz', 'line 1, column 7: a string'],
      ['{} // end', 'line 1, column 4: nothing more'],
      ['', 'line 1, column 1: a value'],
    ]
    for (const [text, expected] of cases) {
      t.match(reasonForFile(text), `FILE: is no JSON: ${expected}`)
      t.notMatch(reasonForFile(text), 'zqcanaryqz')
    }
    t.match(reasonForFile('[]'), 'FILE: is not a JSON object')
    t.match(reasonForFile('\uFEFF{}'), 'FILE: begins with a byte order mark')
  },
)

t.test('a place is found in each text that is no JSON, and in no other', async () => {
  const json = fc.json({ maxDepth: 4 })
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const edited = fc
    .tuple(json, fc.nat(60), fc.nat(3), fc.string({ maxLength: 2 }))
    .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(json, edited), (text) => (jsonFault(text) === null) === isJson(text)),
  )
})

t.test('a file of authorities holds certificates, all of which can be used', async (t) => {
  const { cert, key } = makeCertificate(t, 'IP:127.0.0.1')
  const pem = readFileSync(cert, 'utf8')
  const broken = pem.replace(/\n[A-Za-z0-9+/=]{64}\n/, '\n')
  for (const good of [pem, `a comment\n${pem}${pem}`, pem.replaceAll('\n', '\r\n')]) {
    t.equal(certificatesFault(good), null)
  }
  const der = execFileSync('openssl', ['x509', '-in', cert, '-outform', 'der'])
  for (const none of ['', 'no certificate', readFileSync(key, 'utf8'), der.toString('utf8')]) {
    t.match(certificatesFault(none), /holds no certificate/)
  }
  t.match(certificatesFault(pem + broken), /its certificate 2/, 'where TLS would stop in silence')
  t.match(certificatesFault(`\uFEFF${pem}`), /one of its certificates/)
  t.match(certificatesFault(pem.replace(/-----END[^\n]*\n/, '')), /one of its certificates/)
})

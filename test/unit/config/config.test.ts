import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { defaultFile, problemsPage, withReasons, withTable } from '../../../docs/generate.ts'
import { ConfigError } from '../../../src/config/config-error.ts'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig, loadOps, parseConfig } from '../../../src/config/load.ts'
import { ineffectiveRedisKeys } from '../../../src/config/redis-rules.ts'

const ROOT = new URL('../../../../', import.meta.url)
const DEFAULT_FILE = fileURLToPath(new URL('config/default.json', ROOT))
const URL_SET = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:1' }
const REDIS_SET = {
  ...URL_SET,
  LAYBY_REDIS_URL: 'redis://127.0.0.1',
  LAYBY_SECRET: 'a secret for tests only, 32 long and more',
}
const load = (environment: Record<string, string>) =>
  loadConfig({ defaultFile: DEFAULT_FILE, environment })

t.test('generated pages and the default configuration are in step with the code', (t) => {
  const page = readFileSync(new URL('docs/configuration.md', ROOT), 'utf8')
  t.equal(withTable(page), page)
  t.equal(readFileSync(DEFAULT_FILE, 'utf8'), defaultFile())
  t.equal(readFileSync(new URL('docs/problems.md', ROOT), 'utf8'), problemsPage())
  const explain = readFileSync(new URL('docs/explain.md', ROOT), 'utf8')
  t.equal(explain, withReasons(explain))
  t.end()
})

t.test('the keys that other programs rely on are there, with their defaults and variables', (t) => {
  const keys = new Map(
    configKeys().map(({ path, variable, schema }) => [
      path,
      { variable, fallback: schema.default },
    ]),
  )
  const expected: [string, string, unknown][] = [
    ['server.host', 'LAYBY_SERVER_HOST', '127.0.0.1'],
    ['server.port', 'LAYBY_SERVER_PORT', 8003],
    ['server.trustProxy', 'LAYBY_SERVER_TRUST_PROXY', []],
    ['ops.host', 'LAYBY_OPS_HOST', '127.0.0.1'],
    ['ops.port', 'LAYBY_OPS_PORT', 9003],
    ['ops.adminToken', 'LAYBY_OPS_ADMIN_TOKEN', null],
    ['upstream.url', 'LAYBY_UPSTREAM_URL', null],
    ['upstream.connectTimeoutMs', 'LAYBY_UPSTREAM_CONNECT_TIMEOUT_MS', 1_000],
    ['upstream.headersTimeoutMs', 'LAYBY_UPSTREAM_HEADERS_TIMEOUT_MS', 8_000],
    ['upstream.totalTimeoutMs', 'LAYBY_UPSTREAM_TOTAL_TIMEOUT_MS', 10_000],
    ['upstream.streamTimeoutMs', 'LAYBY_UPSTREAM_STREAM_TIMEOUT_MS', 300_000],
    ['upstream.ca', 'LAYBY_UPSTREAM_CA', null],
    ['redis.mode', 'LAYBY_REDIS_MODE', 'standalone'],
    ['redis.url', 'LAYBY_REDIS_URL', null],
    ['redis.nodes', 'LAYBY_REDIS_NODES', []],
    ['redis.sentinelName', 'LAYBY_REDIS_SENTINEL_NAME', 'mymaster'],
    ['redis.username', 'LAYBY_REDIS_USERNAME', null],
    ['redis.password', 'LAYBY_REDIS_PASSWORD', null],
    ['redis.sentinelPassword', 'LAYBY_REDIS_SENTINEL_PASSWORD', null],
    ['redis.tls', 'LAYBY_REDIS_TLS', false],
    ['redis.ca', 'LAYBY_REDIS_CA', null],
    ['previousSecrets', 'LAYBY_PREVIOUS_SECRETS', []],
    ['redis.keyPrefix', 'LAYBY_REDIS_KEY_PREFIX', 'layby'],
    ['redis.commandTimeoutMs', 'LAYBY_REDIS_COMMAND_TIMEOUT_MS', 50],
    ['secret', 'LAYBY_SECRET', null],
    ['cache.ttlMs', 'LAYBY_CACHE_TTL_MS', 300_000],
    ['cache.ttlJitter', 'LAYBY_CACHE_TTL_JITTER', 0.1],
    ['cache.grantTtlMs', 'LAYBY_CACHE_GRANT_TTL_MS', 900_000],
    ['cache.credentialTtlMs', 'LAYBY_CACHE_CREDENTIAL_TTL_MS', 300_000],
    ['cache.sharing', 'LAYBY_CACHE_SHARING', 'witnessed'],
    ['cache.staleWhileRevalidateMs', 'LAYBY_CACHE_STALE_WHILE_REVALIDATE_MS', 30_000],
    ['cache.staleIfErrorMs', 'LAYBY_CACHE_STALE_IF_ERROR_MS', 300_000],
    ['cache.maxBodyBytes', 'LAYBY_CACHE_MAX_BODY_BYTES', 1_048_576],
    ['cache.memory.maxBytes', 'LAYBY_CACHE_MEMORY_MAX_BYTES', 67_108_864],
    ['log.level', 'LAYBY_LOG_LEVEL', 'info'],
  ]
  for (const [path, variable, fallback] of expected)
    t.strictSame(keys.get(path), { variable, fallback }, path)
  for (const { path, schema } of configKeys())
    t.ok((schema.description ?? '').length > 3, `${path} is described`)
  t.end()
})

t.test('the environment goes over the own file, and that over the defaults', (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'layby-')), 'own.json')
  writeFileSync(
    file,
    JSON.stringify({
      cache: { ttlMs: 1_000, ttlJitter: 0.2 },
      server: { trustProxy: ['10.0.0.0/8'] },
    }),
  )
  const { config, origins, unknownVariables } = load({
    ...URL_SET,
    LAYBY_CONFIG: file,
    LAYBY_CACHE_TTL_MS: '2000',
    LAYBY_CACHE_TTL_JITTER: '',
    LAYBY_SERVICE_HOST: 'set by an orchestrator',
    OTHER: 'x',
  })
  t.equal(config.cache.ttlMs, 2_000)
  t.equal(config.cache.ttlJitter, 0.2)
  t.strictSame(config.server.trustProxy, ['10.0.0.0/8'])
  t.equal(config.cache.grantTtlMs, 900_000)
  t.strictSame(unknownVariables, ['LAYBY_SERVICE_HOST'])
  t.equal(origins.get('cache.ttlMs'), 'environment')
  t.equal(origins.get('cache.ttlJitter'), 'file', 'an empty variable says nothing')
  t.equal(origins.get('cache.grantTtlMs'), 'default')
  t.equal(origins.size, configKeys().length)
  t.ok(config.secret.length >= 32, 'a secret is made for the process')
  t.not(load(URL_SET).config.secret, config.secret)
  t.end()
})

t.test(
  'a bad configuration is refused with the key and the reason, and never with the value',
  (t) => {
    const secret = 'too-short-secret-canary'
    const folder = mkdtempSync(join(tmpdir(), 'layby-'))
    const broken = join(folder, 'broken.json')
    writeFileSync(broken, `{"secret": "${secret}"`)
    const cases: [Record<string, string>, string][] = [
      [{}, 'upstream.url'],
      [{ LAYBY_UPSTREAM_URL: 'ftp://x' }, 'upstream.url'],
      [{ LAYBY_UPSTREAM_URL: `http://user:${secret}@x` }, 'upstream.url'],
      [{ LAYBY_UPSTREAM_URL: 'http://x/?a=1' }, 'upstream.url'],
      [{ ...URL_SET, LAYBY_SERVER_PORT: '65536' }, 'server.port'],
      [{ ...URL_SET, LAYBY_SERVER_PORT: 'http' }, 'server.port'],
      [{ ...URL_SET, LAYBY_SERVER_TRUST_PROXY: 'yes' }, 'server.trustProxy'],
      [{ ...URL_SET, LAYBY_OPS_PORT: '8003' }, 'ops.port'],
      [{ ...URL_SET, LAYBY_CACHE_TTL_MS: '0' }, 'cache.ttlMs'],
      [{ ...URL_SET, LAYBY_CACHE_TTL_MS: '1.5' }, 'cache.ttlMs'],
      [{ ...URL_SET, LAYBY_CACHE_TTL_JITTER: '0.9' }, 'cache.ttlJitter'],
      [{ ...URL_SET, LAYBY_CACHE_SHARING: 'everyone' }, 'cache.sharing'],
      [{ ...URL_SET, LAYBY_CACHE_MEMORY_MAX_BYTES: '1000' }, 'cache.maxBodyBytes'],
      [{ ...URL_SET, LAYBY_UPSTREAM_HEADERS_TIMEOUT_MS: '20000' }, 'upstream.headersTimeoutMs'],
      [{ ...URL_SET, LAYBY_REDIS_URL: 'redis://127.0.0.1' }, 'secret'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: 'http://127.0.0.1' }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: 'redis://' }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: 'redis://h?enableOfflineQueue=true' }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: 'redis://h/cache' }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: `redis://:${secret}%zz@h` }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_MODE: 'cluster' }, 'redis.url'],
      [{ ...REDIS_SET, LAYBY_REDIS_NODES: '127.0.0.1:1' }, 'redis.nodes'],
      [{ ...REDIS_SET, LAYBY_REDIS_URL: '', LAYBY_REDIS_MODE: 'sentinel' }, 'redis.nodes'],
      [
        { ...REDIS_SET, LAYBY_REDIS_URL: '', LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: 'a' },
        'redis.nodes',
      ],
      [{ ...URL_SET, LAYBY_PREVIOUS_SECRETS: `${secret},${secret}` }, 'previousSecrets'],
      [{ ...URL_SET, LAYBY_SECRET: secret }, 'secret'],
      [{ ...URL_SET, LAYBY_LOG_LEVEL: 'loud' }, 'log.level'],
      [{ ...URL_SET, LAYBY_CONFIG: join(folder, 'none.json') }, join(folder, 'none.json')],
      [{ ...URL_SET, LAYBY_CONFIG: broken }, broken],
    ]
    for (const [environment, key] of cases) {
      try {
        load(environment)
        t.fail(`${key} was accepted`)
      } catch (error) {
        t.ok(error instanceof ConfigError && error.key === key, `${key}: ${String(error)}`)
        t.notMatch(String(error), secret)
        t.equal(String(error).split('\n').length, 1)
      }
    }
    t.end()
  },
)

t.test('Redis is one server by its URL, or more by their addresses', (t) => {
  for (const url of ['redis://h', 'rediss://user:p%40ss@h:6380/2', 'REDIS://[::1]:1/'])
    t.equal(load({ ...REDIS_SET, LAYBY_REDIS_URL: url }).config.redis.url, url)
  const { config } = load({
    ...REDIS_SET,
    LAYBY_REDIS_URL: '',
    LAYBY_REDIS_MODE: 'sentinel',
    LAYBY_REDIS_NODES: 'a:26379, [::1]:26379',
    LAYBY_PREVIOUS_SECRETS: `${'x'.repeat(32)},${'y'.repeat(32)}`,
  })
  t.strictSame(config.redis.nodes, ['a:26379', '[::1]:26379'])
  t.equal(config.previousSecrets.length, 2)
  t.end()
})

t.test('keys of Redis that change nothing are known, each with the reason', (t) => {
  const idle = (environment: Record<string, string>): string[] =>
    ineffectiveRedisKeys(load({ ...REDIS_SET, ...environment }).config).map(
      ({ key, reason }) => `${key}: ${reason}`,
    )
  const credentials = { LAYBY_REDIS_USERNAME: 'u', LAYBY_REDIS_PASSWORD: 'p' }
  t.strictSame(idle({ LAYBY_REDIS_URL: 'redis://h', ...credentials }), [])
  t.strictSame(idle({ LAYBY_REDIS_URL: 'redis://v@h', ...credentials }), [
    'redis.username: redis.url says it',
  ])
  t.strictSame(idle({ LAYBY_REDIS_URL: 'redis://:q@h', ...credentials }), [
    'redis.password: redis.url says it',
  ])
  const sentinels = { LAYBY_REDIS_SENTINEL_NAME: 'm', LAYBY_REDIS_SENTINEL_PASSWORD: 'p' }
  t.strictSame(idle({ LAYBY_REDIS_URL: 'redis://h', ...sentinels }), [
    'redis.sentinelName: redis.mode is not sentinel',
    'redis.sentinelPassword: redis.mode is not sentinel',
  ])
  const several = { LAYBY_REDIS_URL: '', LAYBY_REDIS_NODES: 'a:1', ...credentials }
  t.strictSame(idle({ ...several, ...sentinels, LAYBY_REDIS_MODE: 'sentinel' }), [])
  const encrypted = { LAYBY_REDIS_TLS: 'true', LAYBY_REDIS_CA: 'ca.pem' }
  t.strictSame(idle({ ...several, ...encrypted, LAYBY_REDIS_MODE: 'cluster' }), [])
  t.strictSame(
    idle({ LAYBY_REDIS_URL: '', ...credentials, ...encrypted }).map((line) => line.split(':')[0]),
    ['redis.username', 'redis.password', 'redis.tls', 'redis.ca'],
  )
  t.end()
})

function keyAtFault(parse: () => unknown): string | null {
  try {
    parse()
    return null
  } catch (error) {
    return (error as ConfigError).key
  }
}

t.test('a key that does not exist is named', (t) => {
  const url = 'http://x'
  t.equal(
    keyAtFault(() => parseConfig({ upstream: { url }, cache: { ttl: 5 } })),
    'cache.ttl',
  )
  t.equal(
    keyAtFault(() => parseConfig({ upstream: { url }, cash: {} })),
    'cash',
  )
  t.equal(
    keyAtFault(() => parseConfig({ upstream: { url }, server: { port: '8003' } })),
    'server.port',
  )
  const file = join(mkdtempSync(join(tmpdir(), 'layby-')), 'own.json')
  writeFileSync(file, '{"__proto__": {"polluted": true}}')
  t.equal(
    keyAtFault(() => load({ ...URL_SET, LAYBY_CONFIG: file })),
    '__proto__',
  )
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  t.end()
})

t.test('where a running instance is asked can be known without the rest', (t) => {
  const ops = (environment: Record<string, string>) =>
    loadOps({ defaultFile: DEFAULT_FILE, environment })
  t.strictSame(ops({}), { host: '127.0.0.1', hosts: [], port: 9003, adminToken: null })
  t.equal(ops({ LAYBY_OPS_PORT: '1', LAYBY_CACHE_SHARING: 'nonsense' }).port, 1)
  t.equal(
    keyAtFault(() => ops({ LAYBY_OPS_PORT: 'x' })),
    'ops.port',
  )
  t.end()
})

/** Bad configurations: each is refused with the key and the reason, and never with a value (reliability P5). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from '../../../src/config/config-error.ts'
import { loadConfig } from '../../../src/config/load.ts'

const defaultFile = fileURLToPath(new URL('../../../../config/default.json', import.meta.url))
const URL_SET = { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' }
const SHARED = { ...URL_SET, LAYBY_SECRET: 'a secret for tests only, 32 long and more' }
const CANARY = 'zqcanaryqz'

/** Key at fault → variables. */
const BY_ENVIRONMENT: readonly [key: string, environment: Record<string, string>][] = [
  ['upstream.url', {}],
  ['upstream.url', { LAYBY_UPSTREAM_URL: '' }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: CANARY }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: `ftp://${CANARY}` }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: `http://user:${CANARY}@a` }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: `http://a/?${CANARY}` }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: `http://a/#${CANARY}` }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: 'http://127.0.0.1:0' }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: 'http://a..b/' }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: 'http://localhost:8003' }],
  ['upstream.url', { LAYBY_UPSTREAM_URL: 'http://[::1]:9003', LAYBY_OPS_HOST: '::' }],
  ['server.host', { ...URL_SET, LAYBY_SERVER_HOST: '[::]' }],
  ['server.host', { ...URL_SET, LAYBY_SERVER_HOST: '0.0.0.0:8003' }],
  ['server.host', { ...URL_SET, LAYBY_SERVER_HOST: `http://${CANARY}` }],
  ['ops.host', { ...URL_SET, LAYBY_OPS_HOST: '127.0.0.1 ::1' }],
  ['ops.host', { ...URL_SET, LAYBY_OPS_HOST: `/run/${CANARY}.sock` }],
  ['ops.port', { ...URL_SET, LAYBY_SERVER_HOST: '0.0.0.0', LAYBY_OPS_PORT: '8003' }],
  ['ops.port', { ...URL_SET, LAYBY_OPS_HOST: 'localhost', LAYBY_OPS_PORT: '8003' }],
  ['server.port', { ...URL_SET, LAYBY_SERVER_PORT: CANARY }],
  ['server.port', { ...URL_SET, LAYBY_SERVER_PORT: '-1' }],
  ['server.port', { ...URL_SET, LAYBY_SERVER_PORT: '65536' }],
  ['server.port', { ...URL_SET, LAYBY_SERVER_PORT: '80.5' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: 'true' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: '1' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: '10/8' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: '010.0.0.1' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: '10.0.0.0/33' }],
  ['server.trustProxy', { ...URL_SET, LAYBY_SERVER_TRUST_PROXY: '::1/129' }],
  ['server.publicUrl', { ...URL_SET, LAYBY_SERVER_PUBLIC_URL: `https://a/${CANARY}` }],
  ['server.fastPath', { ...URL_SET, LAYBY_SERVER_FAST_PATH: 'yes' }],
  ['server.maxRequestBytes', { ...URL_SET, LAYBY_SERVER_MAX_REQUEST_BYTES: '0' }],
  ['server.drainDelayMs', { ...URL_SET, LAYBY_SERVER_DRAIN_DELAY_MS: '-1' }],
  ['server.drainDelayMs', { ...URL_SET, LAYBY_SERVER_DRAIN_DELAY_MS: '9500' }],
  ['server.drainTimeoutMs', { ...URL_SET, LAYBY_SERVER_DRAIN_TIMEOUT_MS: '0' }],
  ['server.maxEventLoopDelayMs', { ...URL_SET, LAYBY_SERVER_MAX_EVENT_LOOP_DELAY_MS: 'long' }],
  ['ops.port', { ...URL_SET, LAYBY_OPS_PORT: '99999' }],
  ['ops.hosts', { ...URL_SET, LAYBY_OPS_HOSTS: `a, http://${CANARY}` }],
  ['ops.hosts', { ...URL_SET, LAYBY_OPS_HOSTS: `${CANARY}:9003` }],
  ['cache.keepHeaders', { ...URL_SET, LAYBY_CACHE_KEEP_HEADERS: `x-a, Set-Cookie` }],
  ['cache.keepHeaders', { ...URL_SET, LAYBY_CACHE_KEEP_HEADERS: `x-a, ${CANARY}:` }],
  ['ops.adminToken', { ...URL_SET, LAYBY_OPS_ADMIN_TOKEN: CANARY }],
  ['ops.adminToken', { ...URL_SET, LAYBY_OPS_ADMIN_TOKEN: `${CANARY} and more words` }],
  ['cors.origins', { ...URL_SET, LAYBY_CORS_ORIGINS: `https://a, ${CANARY}` }],
  ['cors.origins', { ...URL_SET, LAYBY_CORS_ORIGINS: `https://${CANARY}/` }],
  ['cors.origins', { ...URL_SET, LAYBY_CORS_ORIGINS: `*, https://${CANARY}` }],
  ['cors.origins', { ...URL_SET, LAYBY_CORS_ORIGINS: `https://${CANARY}:443` }],
  ['cors.origins', { ...URL_SET, LAYBY_CORS_ORIGINS: `http://${CANARY}:99999` }],
  ['cors.credentials', { ...URL_SET, LAYBY_CORS_ORIGINS: '*', LAYBY_CORS_CREDENTIALS: 'true' }],
  ['cors.credentials', { ...URL_SET, LAYBY_CORS_CREDENTIALS: 'true' }],
  ['cors.methods', { ...URL_SET, LAYBY_CORS_METHODS: CANARY }],
  [
    'cors.methods',
    { ...URL_SET, LAYBY_CORS_ORIGINS: 'https://a', LAYBY_CORS_METHODS: `a ${CANARY}` },
  ],
  ['cors.headers', { ...URL_SET, LAYBY_CORS_HEADERS: CANARY }],
  ['cors.maxAgeSeconds', { ...URL_SET, LAYBY_CORS_MAX_AGE_SECONDS: '86401' }],
  ['upstream.connectTimeoutMs', { ...URL_SET, LAYBY_UPSTREAM_CONNECT_TIMEOUT_MS: '0' }],
  ['upstream.headersTimeoutMs', { ...URL_SET, LAYBY_UPSTREAM_HEADERS_TIMEOUT_MS: '1s' }],
  ['upstream.totalTimeoutMs', { ...URL_SET, LAYBY_UPSTREAM_TOTAL_TIMEOUT_MS: '99999999999' }],
  ['upstream.bodyTimeoutMs', { ...URL_SET, LAYBY_UPSTREAM_BODY_TIMEOUT_MS: '-5' }],
  ['upstream.streamTimeoutMs', { ...URL_SET, LAYBY_UPSTREAM_STREAM_TIMEOUT_MS: '0' }],
  ['upstream.connections', { ...URL_SET, LAYBY_UPSTREAM_CONNECTIONS: '0' }],
  ['upstream.tenantReads', { ...URL_SET, LAYBY_UPSTREAM_TENANT_READS: '0' }],
  ['redis.mode', { ...URL_SET, LAYBY_REDIS_MODE: CANARY }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: CANARY }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: `http://:${CANARY}@a` }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: `redis://h/2?db=${CANARY}` }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: `redis://h/${CANARY}` }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: `redis://h:0/${CANARY}` }],
  ['redis.url', { ...SHARED, LAYBY_REDIS_URL: `redis://u:${CANARY}/x@h` }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: CANARY }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: '::1:6379' }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: 'a:1,b:99999' }],
  [
    'redis.nodes',
    { ...SHARED, LAYBY_REDIS_MODE: 'sentinel', LAYBY_REDIS_NODES: `redis://${CANARY}:1` },
  ],
  ['redis.ca', { ...SHARED, LAYBY_REDIS_URL: 'redis://h', LAYBY_REDIS_CA: CANARY }],
  [
    'redis.ca',
    {
      ...{ ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: 'a:1' },
      LAYBY_REDIS_CA: CANARY,
    },
  ],
  ['redis.nameSecret', { ...SHARED, LAYBY_REDIS_NAME_SECRET: CANARY }],
  ['redis.keyPrefix', { ...SHARED, LAYBY_REDIS_KEY_PREFIX: `{${CANARY}}` }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: 'a:1;b:2' }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'cluster', LAYBY_REDIS_NODES: 'a:1 b:2' }],
  ['redis.nodes', { ...SHARED, LAYBY_REDIS_MODE: 'sentinel', LAYBY_REDIS_NODES: 'a:0' }],
  ['redis.tls', { ...URL_SET, LAYBY_REDIS_TLS: '2' }],
  ['redis.commandTimeoutMs', { ...URL_SET, LAYBY_REDIS_COMMAND_TIMEOUT_MS: '0' }],
  ['secret', { ...URL_SET, LAYBY_SECRET: CANARY }],
  ['secret', { ...URL_SET, LAYBY_REDIS_URL: 'redis://127.0.0.1:9' }],
  ['secret', { ...URL_SET, LAYBY_SECRET: `\uFEFF${CANARY.repeat(4)}` }],
  ['secret', { ...URL_SET, LAYBY_SECRET: `${CANARY.repeat(4)}\n` }],
  ['previousSecrets', { ...URL_SET, LAYBY_PREVIOUS_SECRETS: '\uFFFD'.repeat(40) }],
  ['tracing.serviceName', { ...URL_SET, LAYBY_TRACING_SERVICE_NAME: `${CANARY}\uFFFD` }],
  ['cache.ttlMs', { ...URL_SET, LAYBY_CACHE_TTL_MS: '0' }],
  ['cache.ttlJitter', { ...URL_SET, LAYBY_CACHE_TTL_JITTER: '0.6' }],
  ['cache.ttlJitter', { ...URL_SET, LAYBY_CACHE_TTL_JITTER: CANARY }],
  ['cache.grantTtlMs', { ...URL_SET, LAYBY_CACHE_GRANT_TTL_MS: '0x5' }],
  ['cache.credentialTtlMs', { ...URL_SET, LAYBY_CACHE_CREDENTIAL_TTL_MS: '1e99' }],
  ['cache.sharing', { ...URL_SET, LAYBY_CACHE_SHARING: CANARY }],
  ['cache.staleIfErrorMs', { ...URL_SET, LAYBY_CACHE_STALE_IF_ERROR_MS: '-1' }],
  ['cache.maxBodyBytes', { ...URL_SET, LAYBY_CACHE_MAX_BODY_BYTES: '0' }],
  ['cache.memory.maxBytes', { ...URL_SET, LAYBY_CACHE_MEMORY_MAX_BYTES: 'many' }],
  ['tracing.otlpUrl', { ...URL_SET, LAYBY_TRACING_OTLP_URL: CANARY }],
  ['tracing.otlpUrl', { ...URL_SET, LAYBY_TRACING_OTLP_URL: `http://${CANARY}:0/v1/traces` }],
  ['tracing.otlpUrl', { ...URL_SET, LAYBY_TRACING_OTLP_URL: `http://user:${CANARY}@a` }],
  ['tracing.sampleRatio', { ...URL_SET, LAYBY_TRACING_SAMPLE_RATIO: '1.1' }],
  ['log.level', { ...URL_SET, LAYBY_LOG_LEVEL: CANARY }],
]
/** What is named → contents of the file. */
const BY_FILE: readonly [named: string, text: string][] = [
  ['.json', '{'],
  ['.json', '[]'],
  ['.json', `{"secret": "${CANARY}",}`],
  ['.json', `\uFEFF{}`],
  ['.json', `"${CANARY}"`],
  ['cache.ttl', '{"cache": {"ttl": 5}}'],
  ['cach', '{"cach": {}}'],
  ['cache', '{"cache": 5}'],
  ['server.port', '{"server": {"port": "8003"}}'],
]

t.test('each names its key and its reason in one line', (t) => {
  t.ok(BY_ENVIRONMENT.length >= 40)
  for (const [key, environment] of BY_ENVIRONMENT) check(t, key, environment)
  t.end()
})

t.test('files too', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'layby-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [n, [named, text]] of BY_FILE.entries()) {
    const file = join(folder, `${n}.json`)
    writeFileSync(file, text)
    check(t, named, { ...URL_SET, LAYBY_CONFIG: file })
  }
  t.end()
})

function check(t: Tap, named: string, environment: Record<string, string>): void {
  const what = JSON.stringify(environment)
  try {
    loadConfig({ defaultFile, environment })
    t.fail(`taken: ${what}`)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    t.ok(error.key.includes(named), `${error.message} names ${named}: ${what}`)
    t.match(error.message, /^[^\n]+: [^\n]+$/, what)
    t.notMatch(error.message, CANARY)
  }
}

type Tap = Pick<typeof t, 'ok' | 'fail' | 'match' | 'notMatch'>

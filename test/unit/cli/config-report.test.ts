import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { configReport, reportLines } from '../../../src/cli/config-report.ts'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'

const defaultFile = fileURLToPath(new URL('../../../../config/default.json', import.meta.url))
const CANARY = 'zqcanaryqz-long-enough-for-a-secret-of-32'

function reportOf(environment: Record<string, string>) {
  const sources = { defaultFile, environment: { LAYBY_UPSTREAM_URL: 'http://a', ...environment } }
  return configReport(loadConfig(sources), sources)
}

t.test('each key is told with its value and its source', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'layby-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'own.json')
  const secretFile = join(folder, 'secret')
  writeFileSync(file, '{"cache": {"ttlMs": 5000}}')
  writeFileSync(secretFile, CANARY)
  const report = reportOf({
    LAYBY_CONFIG: file,
    LAYBY_LOG_LEVEL: 'warn',
    LAYBY_SECRET_FILE: secretFile,
  })
  t.equal(report.values.length, configKeys().length)
  const of = (key: string) => report.values.find((value) => value.key === key)
  t.match(of('cache.ttlMs'), { value: 5000, from: 'file', source: file })
  t.match(of('log.level'), { value: 'warn', from: 'environment', source: 'LAYBY_LOG_LEVEL' })
  t.match(of('secret'), { from: 'secret-file', source: 'LAYBY_SECRET_FILE' })
  t.match(of('cache.grantTtlMs'), { value: 900_000, from: 'default', source: null })
  const lines = reportLines(report)
  t.match(lines[0], /^KEY +VALUE +FROM$/)
  t.ok(lines.some((line) => /^log\.level +warn +LAYBY_LOG_LEVEL$/.test(line)))
  t.end()
})

t.test('no secret is shown, whatever holds it', (t) => {
  const report = reportOf({
    LAYBY_SECRET: CANARY,
    LAYBY_PREVIOUS_SECRETS: `${CANARY},${CANARY}`,
    LAYBY_OPS_ADMIN_TOKEN: CANARY,
    LAYBY_REDIS_PASSWORD: CANARY,
    LAYBY_REDIS_NAME_SECRET: CANARY,
    LAYBY_REDIS_SENTINEL_PASSWORD: CANARY,
    LAYBY_REDIS_URL: `rediss://${CANARY}:${CANARY}@redis.example:6380/2`,
  })
  const all = JSON.stringify(report) + reportLines(report).join('\n')
  t.notMatch(all, CANARY)
  t.match(all, 'rediss://***@redis.example:6380/2', 'what leads to the server is')
  for (const { path, isSecret } of configKeys()) {
    if (!isSecret) continue
    const { value } = report.values.find(({ key }) => key === path) ?? {}
    t.match(String(value), /not shown|\*\*\*/, path)
  }
  t.end()
})

t.test('what deserves a second look is told', (t) => {
  const { warnings } = reportOf({ LAYBY_CASH_TTL: '5', LAYBY_CACHE_SHARING: 'tenant' })
  t.strictSame(
    warnings.map((warning) => warning.split(':')[0]),
    ['LAYBY_CASH_TTL', 'cache.sharing', 'secret', 'ops.adminToken'],
  )
  const shared = { LAYBY_SECRET: CANARY, LAYBY_REDIS_URL: 'redis://h', LAYBY_REDIS_TLS: 'true' }
  const idle = { LAYBY_REDIS_SENTINEL_PASSWORD: CANARY, LAYBY_OPS_ADMIN_TOKEN: CANARY }
  t.strictSame(
    reportOf({ ...shared, ...idle }).warnings.map((warning) => warning.split(':')[0]),
    ['redis.sentinelPassword', 'redis.nameSecret'],
  )
  t.strictSame(reportOf({ ...shared, LAYBY_REDIS_NAME_SECRET: CANARY }).warnings.length, 1)
  const quiet = reportOf({ LAYBY_SECRET: CANARY, LAYBY_OPS_ADMIN_TOKEN: CANARY })
  t.strictSame(quiet.warnings, [])
  t.equal(reportLines(quiet).at(-1), 'The configuration is valid, with no warnings.')
  t.end()
})

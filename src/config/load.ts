/**
 * From files and environment to a configuration that has passed every rule, or the one line that says
 * which key is wrong and why. A value is never repeated in an error: it may be a secret.
 */
import { randomBytes } from 'node:crypto'
import { Value } from 'typebox/value'
import { EXCHANGE_HEADERS } from '../lib/answer-headers.ts'
import { checkListeners, checkListenHost, checkNotItself, checkUrl } from './address-rules.ts'
import { ConfigError } from './config-error.ts'
import { checkCors } from './cors-rules.ts'
import { checkForwarded } from './forwarded-rules.ts'
import { configKeys } from './keys.ts'
import { variablesNear } from './near-miss.ts'
import { checkRedis } from './redis-rules.ts'
import { type Config, ConfigSchema, type RawConfig } from './schema.ts'
import { configErrorOf, type SchemaError } from './schema-errors.ts'
import { checkAdminToken, checkSecrets } from './secret-rules.ts'
import { type ConfigSources, type Gathered, gatherValues, type Json } from './sources.ts'

export interface LoadedConfig {
  readonly config: Config
  readonly origins: Gathered['origins']
  readonly unknownVariables: Gathered['unknownVariables']
}

/** @throws ConfigError naming the key and the reason */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { values, origins, unknownVariables } = gatherValues(sources)
  try {
    return { config: parseConfig(values), origins, unknownVariables }
  } catch (error) {
    throw error instanceof ConfigError ? withMisspelt(error, unknownVariables) : error
  }
}

/** A key that seems to lack its value may have it under a misspelt name. */
function withMisspelt(error: ConfigError, unknownVariables: readonly string[]): ConfigError {
  const variable = configKeys().find(({ path }) => path === error.key)?.variable
  const misspelt = unknownVariables.find((name) => variablesNear(name).includes(variable ?? ''))
  if (misspelt === undefined || variable === undefined) return error
  return error.and(`no key answers to ${misspelt}: is ${variable} meant?`)
}

/**
 * The operations listener's part alone, for commands that talk to a running instance: the rest of the
 * configuration may be incomplete where they run.
 *
 * @throws ConfigError naming the key and the reason
 */
export function loadOps(sources: ConfigSources): Config['ops'] {
  const { ops = {} } = gatherValues(sources).values
  const filled = Value.Default(ConfigSchema.properties.ops, ops) as Config['ops']
  const [error] = Value.Errors(ConfigSchema.properties.ops, filled)
  if (error === undefined) {
    checkListenHost('ops.host', filled.host)
    return filled
  }
  const { instancePath, ...rest } = error as SchemaError
  throw configErrorOf({ ...rest, instancePath: `/ops${instancePath}` }, { ops: filled })
}

/** @throws ConfigError naming the key and the reason */
export function parseConfig(values: Json): Config {
  const filled = Value.Default(ConfigSchema, Value.Clone(values))
  const [error] = Value.Errors(ConfigSchema, filled)
  // guard: one-schema
  if (error !== undefined) throw configErrorOf(error as SchemaError, filled)
  return checkRules(filled as RawConfig)
}

/** What no single key can tell. */
function checkRules(raw: RawConfig): Config {
  const { upstream, secret, redis, cache, server, ops, tracing } = raw
  if (upstream.url === null) {
    throw new ConfigError(
      'upstream.url',
      'is required: set LAYBY_UPSTREAM_URL to the base URL of the API',
    )
  }
  checkUrl('upstream.url', upstream.url)
  checkNotItself(upstream.url, { server, ops })
  if (tracing.otlpUrl !== null) checkUrl('tracing.otlpUrl', tracing.otlpUrl)
  checkSecrets(raw)
  checkRedis(redis)
  checkCors(raw.cors)
  checkForwarded(raw.server)
  checkAdminToken(ops.adminToken)
  if (upstream.headersTimeoutMs > upstream.totalTimeoutMs) {
    throw new ConfigError('upstream.headersTimeoutMs', 'must not be above upstream.totalTimeoutMs')
  }
  if (server.drainDelayMs >= server.drainTimeoutMs) {
    throw new ConfigError('server.drainDelayMs', 'must be below server.drainTimeoutMs')
  }
  checkKeptHeaders(cache.keepHeaders)
  if (cache.maxBodyBytes > cache.memory.maxBytes) {
    throw new ConfigError('cache.maxBodyBytes', 'must not be above cache.memory.maxBytes')
  }
  checkListeners(server, ops)
  return {
    ...raw,
    upstream: { ...upstream, url: upstream.url },
    secret: secret ?? randomBytes(32).toString('base64url'),
  }
}

function checkKeptHeaders(names: readonly string[]): void {
  const refused = names.find((name) => EXCHANGE_HEADERS.has(name.toLowerCase()))
  if (refused === undefined) return
  throw new ConfigError(
    'cache.keepHeaders',
    `${refused.toLowerCase()} is of one exchange, and never kept`,
  )
}

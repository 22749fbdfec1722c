/** What secrets must be. A value is never repeated. */
import { ConfigError } from './config-error.ts'
import { configKeys, valueAt } from './keys.ts'
import type { RawConfig } from './schema.ts'
import { problemOfText } from './text-files.ts'

/** @throws ConfigError naming the key and the reason */
export function checkSecrets(raw: RawConfig): void {
  const { secret, previousSecrets, redis } = raw
  if (secret === null && (redis.url !== null || redis.nodes.length > 0)) {
    throw new ConfigError('secret', 'is required with Redis: set LAYBY_SECRET, the same everywhere')
  }
  checkSecretText(raw)
  for (const [key, secrets] of Object.entries({
    secret: [secret ?? ''.padEnd(32)],
    previousSecrets,
    'redis.nameSecret': redis.nameSecret === null ? [] : [redis.nameSecret],
  })) {
    if (secrets.some((each) => each.length < 32)) {
      throw new ConfigError(key, 'must have at least 32 characters')
    }
  }
}

/** Wherever they are from: what no editor shows differs from one instance to the next. */
function checkSecretText(raw: RawConfig): void {
  for (const { path, isSecret } of configKeys()) {
    if (!isSecret) continue
    for (const secret of [valueAt(raw, path)].flat()) {
      const problem = typeof secret === 'string' ? problemOfSecret(secret) : null
      if (problem !== null) throw new ConfigError(path, problem)
    }
  }
}

function problemOfSecret(secret: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a secret.
  const hasControls = /[\u0000-\u001f\u007f]/.test(secret)
  return problemOfText(secret) ?? (hasControls ? 'has control characters' : null)
}

/** @throws ConfigError naming the key and the reason */
export function checkAdminToken(token: string | null): void {
  // guard: admin-token-length
  if (token === null || /^[\x21-\x7e]{16,}$/.test(token)) return
  throw new ConfigError(
    'ops.adminToken',
    'must have at least 16 characters, all of them visible ASCII',
  )
}

/**
 * The one schema of the configuration: types, defaults, bounds, and the sentences of the table in
 * `docs/configuration.md`. Units are in the names. Each group has a file of its own in `groups/`.
 */
import type { Static } from 'typebox'
import { cache } from './groups/cache.ts'
import { cors } from './groups/cors.ts'
import { log } from './groups/log.ts'
import { ops } from './groups/ops.ts'
import { redis } from './groups/redis.ts'
import { server } from './groups/server.ts'
import { tracing } from './groups/tracing.ts'
import { upstream } from './groups/upstream.ts'
import { group, list, optionalText, secret } from './value-kinds.ts'

export const ConfigSchema = group({
  server,
  ops,
  upstream,
  redis,
  secret: secret(
    optionalText(
      'Keys every credential hash and entity tag; at least 32 characters. Required with Redis; random for each process otherwise.',
    ),
  ),
  previousSecrets: secret(
    list(
      'Secrets that are being retired: what was stored under them is still found. See docs/redis.md.',
    ),
  ),
  cache,
  cors,
  tracing,
  log,
})

/** As in the files and after defaults; every key is there. */
export type RawConfig = Static<typeof ConfigSchema>

/** A configuration that has passed every rule. */
export type Config = Omit<RawConfig, 'upstream' | 'secret'> & {
  readonly upstream: Omit<RawConfig['upstream'], 'url'> & { readonly url: string }
  readonly secret: string
}

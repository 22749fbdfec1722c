/** What the keys of Redis must be together, and which of them would have no effect. */
import {
  type AddressFault,
  parseNode,
  parseRedisUrl,
  type RedisAddress,
} from '../lib/redis-address.ts'
import { ConfigError } from './config-error.ts'
import { DEFAULT_SENTINEL_NAME } from './groups/redis.ts'
import type { RawConfig } from './schema.ts'

type RedisKeysOfConfig = RawConfig['redis']

/** @throws ConfigError naming the key and the reason */
export function checkRedis(redis: RedisKeysOfConfig): void {
  const { mode, url, nodes, ca, tls, keyPrefix } = redis
  // On a Cluster they would be taken for the part of a key that names its slot.
  if (/[{}]/.test(keyPrefix)) throw new ConfigError('redis.keyPrefix', 'must have no braces')
  if (mode !== 'standalone' && url !== null) {
    throw new ConfigError('redis.url', `is for standalone only: set redis.nodes`)
  }
  if (mode === 'standalone' && nodes.length > 0) {
    throw new ConfigError('redis.nodes', 'is for sentinel and cluster only')
  }
  const address = url === null ? null : parseRedisUrl(url)
  if (isFault(address)) throw new ConfigError('redis.url', address.fault)
  if (mode !== 'standalone') checkNodes(mode, nodes)
  const isUsed = address !== null || nodes.length > 0
  if (isUsed && ca !== null && !tls && address?.isEncrypted !== true) {
    throw new ConfigError('redis.ca', 'is for TLS: it needs a rediss URL, or redis.tls')
  }
}

function isFault(address: RedisAddress | AddressFault | null): address is AddressFault {
  return address !== null && 'fault' in address
}

function checkNodes(mode: string, nodes: readonly string[]): void {
  if (nodes.length === 0) throw new ConfigError('redis.nodes', `is required for ${mode}`)
  if (!nodes.every((node) => parseNode(node) !== null)) {
    throw new ConfigError('redis.nodes', 'must be host:port, an IPv6 address in brackets')
  }
}

export interface IneffectiveKey {
  readonly key: string
  readonly reason: string
}

const NO_REDIS = 'no Redis is configured'
const URL_SAYS = 'redis.url says it'
const NO_SENTINEL = 'redis.mode is not sentinel'

/**
 * Keys that are set and change nothing, in a configuration that has passed `checkRedis`: to be told of at the
 * start, since somebody believes that they do.
 */
export function ineffectiveRedisKeys({ redis }: Pick<RawConfig, 'redis'>): IneffectiveKey[] {
  const {
    mode,
    url,
    nodes,
    username,
    password,
    sentinelName,
    sentinelPassword,
    tls,
    ca,
    nameSecret,
  } = redis
  const address = url === null ? null : parseRedisUrl(url)
  const said = isFault(address) ? null : address
  const unused = url === null && nodes.length === 0 ? NO_REDIS : null
  const noSentinel = mode === 'sentinel' ? null : NO_SENTINEL
  const saidOf = (part: string | null | undefined) => (part == null ? null : URL_SAYS)
  const keys: Record<string, false | string | null> = {
    username: username !== null && (unused ?? saidOf(said?.username)),
    password: password !== null && (unused ?? saidOf(said?.password)),
    sentinelName: sentinelName !== DEFAULT_SENTINEL_NAME && noSentinel,
    sentinelPassword: sentinelPassword !== null && noSentinel,
    tls: tls && unused,
    ca: ca !== null && unused,
    nameSecret: nameSecret !== null && unused,
  }
  return Object.entries(keys).flatMap(([key, reason]) =>
    typeof reason === 'string' ? [{ key: `redis.${key}`, reason }] : [],
  )
}

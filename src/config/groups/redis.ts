/** The tier that all instances share. */
import Type from 'typebox'
import { choice, group, list, milliseconds, optionalText, secret } from '../value-kinds.ts'

export const DEFAULT_SENTINEL_NAME = 'mymaster'

export const redis = group({
  mode: choice(
    ['standalone', 'sentinel', 'cluster'],
    'standalone',
    'What kind of Redis it is: one server, a master found by Sentinels, or a Cluster.',
  ),
  url: secret(
    optionalText(
      '`redis://` or `rediss://` of a standalone Redis. Left out, and without `nodes`: no Redis tier, one instance.',
    ),
  ),
  nodes: list('`host:port` of the Sentinels, or of some nodes of the Cluster.'),
  sentinelName: Type.String({
    minLength: 1,
    default: DEFAULT_SENTINEL_NAME,
    description: 'What the Sentinels call the master.',
  }),
  username: optionalText('ACL user, where the URL does not say.'),
  password: secret(optionalText('Password, where the URL does not say.')),
  sentinelPassword: secret(optionalText('Password of the Sentinels themselves.')),
  tls: Type.Boolean({
    default: false,
    description: 'TLS to Redis, and to Sentinels; a `rediss://` URL says it as well.',
  }),
  ca: optionalText(
    'PEM file of the authorities that may vouch for Redis, in place of the system’s.',
  ),
  keyPrefix: Type.String({
    minLength: 1,
    maxLength: 64,
    default: 'layby',
    description: 'Before every Redis key, and the name of the bus.',
  }),
  nameSecret: secret(
    optionalText(
      'Keys the names of fences, switches and tenants in Redis, at least 32 characters; the same everywhere, and not changed with `secret`. Left out: they are plain hashes, and can be guessed. See docs/redis.md.',
    ),
  ),
  commandTimeoutMs: milliseconds(
    50,
    'Budget of one Redis command; what takes longer is done without.',
    1,
  ),
})

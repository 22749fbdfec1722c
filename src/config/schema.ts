/**
 * The one schema of the configuration: types, defaults, bounds, and the sentences of the table in the
 * README. Units are in the names.
 */
import Type, { type Static } from 'typebox'
import {
  bytes,
  choice,
  group,
  list,
  milliseconds,
  optionalText,
  port,
  secret,
  share,
} from './value-kinds.ts'

export const DEFAULT_SENTINEL_NAME = 'mymaster'

export const ConfigSchema = group({
  server: group({
    host: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address of the public listener.',
    }),
    port: port(8003, 'Port of the public listener; 0: any free one.'),
    processes: Type.Integer({
      minimum: 0,
      maximum: 64,
      default: 1,
      description:
        'Processes that share the public port; 0: one for each core. Each has a memory tier and limits of its own.',
    }),
    trustProxy: Type.Boolean({
      default: false,
      description:
        'Whether a proxy in front is trusted to name the client. Without effect in this version.',
    }),
    fastPath: Type.Boolean({
      default: true,
      description:
        'Whether plain reads are answered before they reach Node’s HTTP server. The answers are the same.',
    }),
    tls: group({
      cert: optionalText(
        'PEM file of the certificate, and those above it, for TLS on the public listener.',
      ),
      key: optionalText('PEM file of its key.'),
    }),
    maxEventLoopDelayMs: milliseconds(
      1_000,
      'Beyond this mean delay of the event loop, what is not in memory is refused with 503; 0: never.',
    ),
    drainDelayMs: milliseconds(
      2_000,
      'Time between becoming unready and no longer listening, in which load balancers look elsewhere.',
    ),
    drainTimeoutMs: milliseconds(
      9_500,
      'Time from the signal to the end of the process, whatever is still under way; what kills it must wait longer.',
      1,
    ),
    maxRequestBytes: bytes(1_048_576, 'Longest content of a request that is passed through.'),
    readerTimeoutMs: milliseconds(
      30_000,
      'Longest time in which a client takes nothing of what waits for it; then its connection is closed.',
      100,
    ),
    maxHeldBytes: bytes(
      16_777_216,
      'Memory of one process for the content of writes, held until it is whole; beyond it a write is sent as its content comes. 0: always.',
      0,
    ),
  }),
  ops: group({
    host: Type.String({
      minLength: 1,
      // guard: ops-on-loopback
      default: '127.0.0.1',
      description: 'Address of the operations listener.',
    }),
    hosts: Type.Array(
      Type.String({ minLength: 1, pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[^\\s:/@\\[\\]]+)$' }),
      {
        default: [],
        description:
          'Names, without port, under which the operations listener is asked, beside those of loopback. On loopback no others are answered; elsewhere any name is where none is set, and addresses always are.',
      },
    ),
    port: port(9003, 'Port of the operations listener; 0: any free one.'),
    adminToken: secret(
      optionalText(
        'Token for the admin API, at least 16 characters; left out: there is none. See docs/admin.md.',
      ),
    ),
  }),
  upstream: group({
    url: optionalText('Base URL of the API, with a path prefix if it has one. Required.'),
    probePath: optionalText(
      'A path that needs a token, for asking whether one is still accepted. Without effect in this version.',
    ),
    connectTimeoutMs: milliseconds(1_000, 'Time to connect.', 1),
    headersTimeoutMs: milliseconds(
      8_000,
      "Time from the request having been sent to the end of the answer's head.",
      1,
    ),
    totalTimeoutMs: milliseconds(
      10_000,
      'Time from the arrival of a cached read, or from another request being passed on, to its answer; not counted: sending its content.',
      1,
    ),
    bodyTimeoutMs: milliseconds(5_000, 'Longest pause within a body.', 1),
    streamTimeoutMs: milliseconds(
      300_000,
      'Time for a body that is handed over as it comes; not counted: while its reader is not ready.',
      1,
    ),
    connections: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 128,
      description: 'Most connections to the API at once.',
    }),
    tenantReads: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 64,
      description:
        'Most cached reads of one tenant under way to the API at once, a half of `connections` at most; others wait their turn.',
    }),
    passThrough: share(
      'Most requests under way to the API at once that pass through, of all tenants. 0: a half of `connections`.',
    ),
    tenantPassThrough: share(
      'Most of them for one tenant, and for all that name none; others wait their turn. 0: a half of `passThrough`.',
    ),
    ca: optionalText(
      'PEM file of the authorities that may vouch for the API, in place of the system’s.',
    ),
  }),
  redis: group({
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
  }),
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
  cache: group({
    ttlMs: milliseconds(300_000, 'How long a body is fresh, for all who were given the same.', 1),
    ttlJitter: Type.Number({
      minimum: 0,
      maximum: 0.5,
      default: 0.1,
      description: 'Fraction by which `ttlMs` varies either way.',
    }),
    grantTtlMs: milliseconds(
      900_000,
      'How long a credential may read what the upstream once gave it: longest life of an old role’s view.',
      1,
    ),
    credentialTtlMs: milliseconds(
      300_000,
      'How long a credential counts as accepted after the upstream last accepted it: longest life of a revoked token.',
      1,
    ),
    sharing: choice(
      ['witnessed', 'credential', 'tenant'],
      'witnessed',
      'Who keeps bytes fresh for whom; see docs/sharing.md before choosing `tenant`.',
    ),
    staleWhileRevalidateMs: milliseconds(
      30_000,
      'How long past its freshness a body may be served while it is refreshed.',
    ),
    staleIfErrorMs: milliseconds(
      300_000,
      'How long past its freshness a body may be served while the API fails, to those it was given to.',
    ),
    maxBodyBytes: bytes(
      1_048_576,
      'Longest body that is stored; longer ones are streamed through.',
    ),
    memory: group({
      maxBytes: bytes(67_108_864, 'Size of the memory tier.'),
    }),
  }),
  tracing: group({
    otlpUrl: optionalText(
      'Where spans are posted to, as OTLP over HTTP: `http://collector:4318/v1/traces`. Left out: traces go on upstream, and no span is kept.',
    ),
    serviceName: Type.String({
      minLength: 1,
      maxLength: 100,
      default: 'layby',
      description: 'What the spans call this service.',
    }),
    sampleRatio: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description:
        'Share of the traces begun here that are marked as sampled; a trace that a request brings has its mark already.',
    }),
  }),
  log: group({
    level: choice(
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'info',
      'Least severe line that is written.',
    ),
    slowMs: milliseconds(
      1_000,
      'A request that takes longer is logged at `info`, whatever came of it.',
    ),
  }),
})

/** As in the files and after defaults; every key is there. */
export type RawConfig = Static<typeof ConfigSchema>

/** A configuration that has passed every rule. */
export type Config = Omit<RawConfig, 'upstream' | 'secret'> & {
  readonly upstream: Omit<RawConfig['upstream'], 'url'> & { readonly url: string }
  readonly secret: string
}

/**
 * From settings to ioredis clients. Its defaults wait and queue; here nothing does: a command that can't be answered
 * now fails now, and connecting is tried again for ever.
 */
import { lookup } from 'node:dns'
import { Cluster, Redis } from 'ioredis'
import {
  type HostAndPort,
  parseNode,
  parseRedisUrl,
  type RedisAddress,
} from '../lib/redis-address.ts'
import { codeOf } from './redis-codes.ts'
import { directConnector, sentinelConnector, type TlsOptions, tlsFor } from './redis-connectors.ts'
import { type Pauses, reconnectSparingly } from './redis-pauses.ts'

export interface RedisSettings {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** `redis://` or `rediss://`; the server of a standalone Redis. */
  readonly url: string | null
  /** `host:port` of the Sentinels, or of some nodes of the Cluster. */
  readonly nodes: readonly string[]
  /** What the Sentinels call the master. */
  readonly sentinelName: string
  /** Of an ACL user; what the URL says is used otherwise. */
  readonly username: string | null
  readonly password: string | null
  readonly sentinelPassword: string | null
  readonly tls: boolean
  /** PEM of the authorities that may vouch for Redis, in place of the system's. Read for each connection. */
  ca: string | null
  readonly commandTimeoutMs: number
  readonly keyPrefix: string
  /** Keys the names of what instances must find under every `secret`; null: they are plain hashes. */
  readonly nameSecret: string | null
}

export type RedisClient = Redis | Cluster

/** To connect, and to answer at all: longer means that nobody is there. Milliseconds. */
export const SILENCE_MS = 1_000

function optionsOf(purpose: 'commands' | 'subscriber', pauses: Pauses) {
  return {
    protocol: 2,
    // CLIENT SETINFO is of no use here, and one right more for an ACL user.
    disableClientInfo: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Whoever subscribes does so on each connection anew, and knows since when it hears.
    ...(purpose === 'subscriber' ? { autoResubscribe: false } : {}),
    connectTimeout: SILENCE_MS,
    // No command timeout and no socket timeout: `redis-commands.ts` keeps the budget, and `silence.ts` looks after
    // the sockets; they can tell our own pauses from those of Redis.
    disconnectTimeout: 500,
    keepAlive: 5_000,
    retryStrategy: () => pauses.next(),
    // Otherwise as long as Redis believes that reading its data will take, up to 10 s.
    maxLoadingRetryTime: 500,
    reconnectOnError: reconnectSparingly(),
  } as const
}

type ClientOptions = ReturnType<typeof optionsOf>

/** Each is given a short code. */
export interface ConnectionReports {
  readonly onProblem: (code: string) => void
  /** A server answers, and will not do: it is a problem, and not one that is over in a moment. */
  readonly onUnfit: (code: string) => void
}

export function clientOf(
  settings: RedisSettings,
  purpose: 'commands' | 'subscriber',
  pauses: Pauses,
  { onProblem, onUnfit }: ConnectionReports,
): RedisClient {
  const options = optionsOf(purpose, pauses)
  const onReplica = (): void => onUnfit('REPLICA')
  if (settings.mode === 'standalone') {
    return new Redis({
      ...options,
      ...standaloneOf(settings),
      Connector: directConnector(onReplica),
    })
  }
  const { username, password } = settings
  const tls = settings.tls ? tlsOptions(settings) : null
  const all = { ...options, ...speaking({ username, password, tls }) }
  return settings.mode === 'cluster'
    ? clusterOf(settings, all, tls, onProblem)
    : sentinelClientOf(settings, all, tls, onReplica)
}

/** How a server is spoken to, wherever it is. */
interface Speech {
  readonly username: string | null
  readonly password: string | null
  readonly tls: TlsOptions
}

/** Of a Cluster there is one only, and Sentinels name none. */
export function databaseOf(settings: RedisSettings): number {
  return settings.mode === 'standalone' ? addressOf(settings).database : 0
}

function addressOf({ url }: RedisSettings): RedisAddress {
  const address = parseRedisUrl(url ?? '')
  if ('fault' in address) throw new Error(`redis.url ${address.fault}`)
  return address
}

/** The keys are for what the URL does not say. */
function standaloneOf(settings: RedisSettings) {
  const address = addressOf(settings)
  const { host, port, database, isEncrypted } = address
  const username = address.username ?? settings.username
  const password = address.password ?? settings.password
  const tls = settings.tls || isEncrypted ? tlsOptions(settings) : null
  return { host, port, db: database, ...speaking({ username, password, tls }) }
}

/** An ACL user without a password is told an empty one. */
function speaking({ username, password, tls }: Speech) {
  return {
    ...(username === null ? {} : { username, password: password ?? '' }),
    ...(password === null ? {} : { password }),
    ...(tls === null ? {} : { tls }),
  }
}

function tlsOptions(settings: RedisSettings): NonNullable<TlsOptions> {
  // guard: redis-certificate
  return settings.ca === null ? {} : authoritiesOf(settings)
}

/** As the settings name them when a connection is made. */
function authoritiesOf(settings: RedisSettings): NonNullable<TlsOptions> {
  return {
    get ca() {
      return settings.ca ?? undefined
    },
  }
}

function clusterOf(
  { nodes }: RedisSettings,
  options: ClientOptions,
  tls: TlsOptions,
  onProblem: (code: string) => void,
): Cluster {
  const { retryStrategy: pause } = options
  const named = (node: HostAndPort) =>
    tls === null ? node : { ...node, tls: tlsFor(node.host, tls) }
  return new Cluster(
    nodes.map((node) => named(nodeOf(node))),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      slotsRefreshTimeout: 1_000,
      slotsRefreshInterval: 2_000,
      // Only to tell of a name that is not found: ioredis would say nothing, and use none of the other nodes. It is
      // found once more when it is connected to, and certificates are for names.
      dnsLookup: (host, found) =>
        lookup(host, (error) => {
          if (error !== null) onProblem(codeOf(error))
          found(null, host)
        }),
      natMap: (key) => {
        const node = parseNode(bracketed(key))
        return node === null ? null : named(node)
      },
      redisOptions: options,
    },
  )
}

function sentinelClientOf(
  { nodes, sentinelName, sentinelPassword }: RedisSettings,
  options: ClientOptions,
  tls: TlsOptions,
  onReplica: () => void,
): Redis {
  return new Redis({
    ...options,
    Connector: sentinelConnector(tls, onReplica),
    sentinels: nodes.map(nodeOf),
    name: sentinelName,
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    sentinelRetryStrategy: options.retryStrategy,
    // One that hangs would keep us from asking the others.
    sentinelCommandTimeout: SILENCE_MS,
    ...(tls === null
      ? {}
      : {
          enableTLSForSentinelMode: true,
          sentinelTLS: tls,
          natMap: (key: string): HostAndPort | null => {
            const node = parseNode(bracketed(key))
            return node === null ? null : { ...node, ...tlsFor(node.host, tls) }
          },
        }),
  })
}

function nodeOf(text: string): HostAndPort {
  const node = parseNode(text)
  if (node === null) throw new Error('redis.nodes must be host:port')
  return node
}

/** ioredis joins host and port with a colon, whatever the host. */
function bracketed(key: string): string {
  const colon = key.lastIndexOf(':')
  const host = key.slice(0, colon)
  return host.includes(':') ? `[${host}]${key.slice(colon)}` : key
}

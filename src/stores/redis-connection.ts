/**
 * From settings to ioredis clients. Its defaults wait and queue (reliability section 0.8); here nothing does:
 * a command that can't be answered now fails now, and connecting is tried again for ever.
 */
import { Cluster, Redis } from 'ioredis'
import { endSilence } from './silence.ts'

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
  /** PEM of the authorities that may vouch for Redis, in place of the system's. */
  readonly ca: string | null
  readonly commandTimeoutMs: number
  readonly keyPrefix: string
}

export type RedisClient = Redis | Cluster

/** Full jitter below this: with 2 s the tier could not be back within 3 s (R3). Milliseconds. */
const MAX_PAUSE_MS = 700
const MIN_PAUSE_MS = 50
const RECONNECT_EVERY_MS = 500
/** To connect, and to answer at all: longer means that nobody is there. Milliseconds. */
const SILENCE_MS = 1_000

/** Faults after which another connection may find the right server. */
const RECONNECT_ON = /^(READONLY|LOADING|MASTERDOWN)/
/** What may stand within a message: ioredis wraps what a Sentinel has met with in a sentence. */
const KNOWN_CODES =
  /\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|NOAUTH|NOPERM|WRONGPASS)\b/

/** @param onProblem is given a short code; never a message, which may name addresses or users */
export function connect(
  settings: RedisSettings,
  purpose: 'commands' | 'subscriber',
  onProblem: (code: string) => void,
): RedisClient {
  const client = clientOf(settings, optionsOf(settings, purpose))
  // Of a Cluster's nodes each has its own; the Cluster's own comes when none is left.
  for (const event of ['error', 'node error']) {
    client.on(event, (error: unknown) => onProblem(codeOf(error)))
  }
  // While an answer is awaited: a subscriber's silence is none, but one that is never told that it has subscribed
  // would wait for ever.
  endSilence(client, SILENCE_MS)
  if (client instanceof Cluster) client.on('+node', hearSecondErrors)
  else hearSecondErrors(client)
  return client
}

/**
 * Node tells the errors of some TLS sockets twice, ioredis hears each once, and one that nobody hears ends the process:
 *
 * 1. We disconnect while hands are still shaken: our half of the connection is closed.
 * 2. The server's certificate comes, and is not trusted: the first error.
 * 3. The server answers the early end with an alert: the second, on a socket that is destroyed already.
 */
function hearSecondErrors(connection: Redis): void {
  connection.on('error', () => {
    // There is none before the first attempt to connect, whatever the type says.
    const { stream } = connection as { readonly stream?: Redis['stream'] }
    stream?.on('error', () => {})
  })
}

/** A short word for a fault: a system code, or the first word of what Redis answered. */
export function codeOf(error: unknown): string {
  const fault = (error ?? {}) as Partial<NodeJS.ErrnoException> & { lastNodeError?: unknown }
  const { code, message = '', name = '', lastNodeError } = fault
  if (lastNodeError instanceof Error) return codeOf(lastNodeError)
  if (typeof code === 'string' && /^[A-Z_0-9]{2,40}$/.test(code)) return code
  const word = /^[A-Z]{3,20}(?= )/.exec(message)?.[0] ?? KNOWN_CODES.exec(message)?.[0]
  if (word !== undefined) return word
  if (/timed? ?out/i.test(message)) return 'ETIMEDOUT'
  // All that ioredis tells of a Sentinel or a Cluster node that it could not reach.
  if (/Connection is closed|isn't writeable/.test(message)) return 'CLOSED'
  return /^[A-Za-z]{1,40}$/.test(name) ? name : 'Error'
}

function optionsOf(settings: RedisSettings, purpose: 'commands' | 'subscriber') {
  const { username, password, ca } = settings
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(isEncrypted(settings) ? { tls: ca === null ? {} : { ca } } : {}),
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
    retryStrategy: pause,
    // Otherwise as long as Redis believes that reading its data will take, up to 10 s.
    maxLoadingRetryTime: 500,
    reconnectOnError: reconnectSparingly(),
  } as const
}

/** By the URL as it is understood: ioredis looks for the scheme in lower case only. */
function isEncrypted({ tls, url }: RedisSettings): boolean {
  return tls || (url !== null && new URL(url).protocol === 'rediss:')
}

/** Every reply of a server that has become a replica is such an error; one new connection at a time will do. */
function reconnectSparingly(): (error: Error) => 1 | false {
  let isWaiting = false
  return ({ message }) => {
    if (isWaiting || !RECONNECT_ON.test(message)) return false
    isWaiting = true
    setTimeout(() => {
      isWaiting = false
    }, RECONNECT_EVERY_MS).unref()
    return 1
  }
}

function clientOf(settings: RedisSettings, options: ReturnType<typeof optionsOf>): RedisClient {
  const { mode, url, nodes, sentinelName, sentinelPassword } = settings
  if (mode === 'cluster') {
    return new Cluster(nodes.map(addressOf), {
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      slotsRefreshTimeout: 1_000,
      slotsRefreshInterval: 2_000,
      // Certificates are for names; ioredis would look up addresses, and verify those.
      ...('tls' in options ? { dnsLookup: (host, found) => found(null, host) } : {}),
      redisOptions: options,
    })
  }
  if (mode === 'sentinel') {
    return new Redis({
      ...options,
      sentinels: nodes.map(addressOf),
      name: sentinelName,
      ...(sentinelPassword === null ? {} : { sentinelPassword }),
      sentinelRetryStrategy: pause,
      // One that hangs would keep us from asking the others.
      sentinelCommandTimeout: SILENCE_MS,
      ...('tls' in options ? { enableTLSForSentinelMode: true, sentinelTLS: options.tls } : {}),
    })
  }
  return new Redis(url ?? '', options)
}

function pause(): number {
  return MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS)
}

function addressOf(node: string): { readonly host: string; readonly port: number } {
  const colon = node.lastIndexOf(':')
  // Brackets around an IPv6 address are of URLs, not of sockets.
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(node.slice(colon + 1)) }
}

/**
 * Where a Redis is and as whom it is spoken to, read from a URL or from `host:port`. What would be guessed or
 * quietly left out is a fault: a client that falls back to a default writes to the wrong database.
 *
 * ```
 *   redis[s]://[user][:password]@host[:port][/database]      user and password percent-encoded
 *   host:port                                                an IPv6 address in brackets, in both
 * ```
 */
import { isIP, isIPv6 } from 'node:net'

export interface HostAndPort {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

export interface RedisAddress extends HostAndPort {
  /** Null: the URL does not say. */
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  /** `rediss` */
  readonly isEncrypted: boolean
}

/** What is wrong, told without a value. */
export interface AddressFault {
  readonly fault: string
}

const DEFAULT_PORT = 6379
/** Labels of letters, digits, hyphens; underscores too, which container networks use. */
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?$/

export function parseRedisUrl(text: string): RedisAddress | AddressFault {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    return { fault: 'must be a redis or rediss URL' }
  }
  // guard: redis-url
  if (url.search !== '' || url.hash !== '') return { fault: 'must have no query or fragment' }
  if (!/^(\/[0-9]{0,5})?$/.test(url.pathname)) {
    return { fault: "must have the database's number as its path, or none" }
  }
  const host = hostOf(url.hostname)
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port)
  if (host === null || port === 0) return { fault: 'must name a host, and a port from 1 to 65535' }
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (username === undefined || password === undefined) {
    return { fault: 'must have its user and password percent-encoded' }
  }
  const isEncrypted = url.protocol === 'rediss:'
  return { host, port, username, password, database: Number(url.pathname.slice(1)), isEncrypted }
}

/** `host:port`; null: it is something else. */
export function parseNode(text: string): HostAndPort | null {
  const [, host, port = ''] = /^(\[[^\]]+\]|[^:[\]]+):([0-9]{1,5})$/.exec(text) ?? []
  const named = host === undefined ? null : hostOf(host)
  if (named === null || Number(port) < 1 || Number(port) > 65_535) return null
  return { host: named, port: Number(port) }
}

/** Whether it is a name or an address, IPv6 in brackets. */
export function isHost(text: string): boolean {
  return hostOf(text) !== null
}

function hostOf(text: string): string | null {
  if (text.startsWith('[')) {
    const address = text.slice(1, -1)
    return text.endsWith(']') && isIPv6(address) ? address : null
  }
  return isIP(text) === 4 || HOST_NAME.test(text) ? text : null
}

/** Null: it is empty. Undefined: it can't be decoded. */
function decoded(text: string): string | null | undefined {
  try {
    return text === '' ? null : decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Where the instance listens, and the URLs it calls: what can't work is refused before anything is tried. */
import { isIP } from 'node:net'
import { isHost } from '../lib/redis-address.ts'
import { ConfigError } from './config-error.ts'
import type { RawConfig } from './schema.ts'

type Listener = Pick<RawConfig['server'], 'host' | 'port'>

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** @throws ConfigError naming the key and the reason */
export function checkListeners(server: Listener, ops: Listener): void {
  checkListenHost('server.host', server.host)
  checkListenHost('ops.host', ops.host)
  if (server.port !== 0 && server.port === ops.port && mayOverlap(server.host, ops.host)) {
    throw new ConfigError('ops.port', 'must differ from server.port')
  }
}

/** @throws ConfigError when it is no address and no name */
export function checkListenHost(key: 'server.host' | 'ops.host', host: string): void {
  if (isIP(host) !== 0 || (isHost(host) && !host.startsWith('['))) return
  throw new ConfigError(
    key,
    'must be an address or a host name, without port and without brackets: that of all interfaces is 0.0.0.0 or ::',
  )
}

/** Two addresses have nothing in common but where one is that of all interfaces. Names may stand for any. */
function mayOverlap(host: string, other: string): boolean {
  if (host === other || WILDCARDS.has(host) || WILDCARDS.has(other)) return true
  return isIP(host) === 0 || isIP(other) === 0
}

/** @throws ConfigError naming the key and the reason */
export function checkUrl(key: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ConfigError(key, 'must be an http or https URL')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new ConfigError(key, 'must have no credentials, query or fragment')
  }
  if (url.port === '0' || !isHost(url.hostname)) {
    throw new ConfigError(key, 'must name a host, and a port from 1 to 65535')
  }
}

/** @throws ConfigError when the API would be the instance itself */
export function checkNotItself(
  url: string,
  listeners: Readonly<Record<'server' | 'ops', Listener>>,
) {
  const { hostname, port, protocol } = new URL(url)
  const asked = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  for (const [group, own] of Object.entries(listeners)) {
    if (own.port !== asked || !isReachedBy(host, own.host)) continue
    throw new ConfigError(
      'upstream.url',
      `must be the address of the API: this is ${group}.port of the instance itself`,
    )
  }
}

/** As far as it can be known without asking anybody. */
function isReachedBy(host: string, own: string): boolean {
  if (host === own) return true
  return isLoopback(host) && (isLoopback(own) || WILDCARDS.has(own))
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1'
}

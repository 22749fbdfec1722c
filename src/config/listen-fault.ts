/** Why an address can't be listened on: the key that is to blame, and what to change. */
import { listenOnce } from '../lib/http-server.ts'
import { ConfigError } from './config-error.ts'

/** Of the two listeners. */
export type ListenerGroup = 'server' | 'ops'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Codes of the system that the host is to blame for, beside those of a resolver. */
const OF_HOST: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'is no address of this machine',
  EAFNOSUPPORT: 'is of a kind of address that this machine does not have',
  EINVAL: 'is no address that can be listened on',
}

/**
 * @param error what listening came to
 * @returns a ConfigError where the configuration is at fault; the error itself otherwise
 */
function listenFault(group: ListenerGroup, { host, port }: ListenAddress, error: unknown): unknown {
  const code = String((error as NodeJS.ErrnoException | null)?.code)
  const variable = (name: string): string => `set LAYBY_${group.toUpperCase()}_${name}`
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (code === 'EADDRINUSE') {
    const todo = `end what listens there, or ${variable('PORT')} to another port`
    return new ConfigError(`${group}.port`, `${address} is taken (${code}): ${todo}`)
  }
  if (code === 'EACCES') {
    const todo = `${variable('PORT')} to one above 1023`
    return new ConfigError(`${group}.port`, `${address} is not for this user (${code}): ${todo}`)
  }
  const isUnresolved = code === 'ENOTFOUND' || code.startsWith('EAI_')
  const reason = isUnresolved ? 'is a name that does not resolve' : OF_HOST[code]
  if (reason === undefined) return error
  const todo = `${variable('HOST')} to an address of this machine`
  return new ConfigError(`${group}.host`, `${reason} (${code}): ${todo}`)
}

/** @throws ConfigError when the configuration is to blame */
export async function listenAt<T>(
  group: ListenerGroup,
  { host, port }: ListenAddress,
  listen: (address: ListenAddress) => Promise<T>,
): Promise<T> {
  try {
    return await listen({ host, port })
  } catch (error) {
    throw listenFault(group, { host, port }, error)
  }
}

/**
 * Listens there for a moment, on a free port: a running instance is not disturbed.
 *
 * @throws ConfigError when it is not possible
 */
export async function tryHost(group: ListenerGroup, host: string): Promise<void> {
  await listenAt(group, { host, port: 0 }, listenOnce)
}

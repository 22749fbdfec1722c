/** Networks and addresses that say who is asking. */
import { isIP } from 'node:net'
import { compile } from '@fastify/proxy-addr'
import { ConfigError } from './config-error.ts'
import type { RawConfig } from './schema.ts'

const NAMES: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']

/**
 * The parser behind it takes shortened, octal and hexadecimal numbers for addresses as well: `1`, which others mean as a
 * count of proxies, would be 0.0.0.1, and `10/8` the network 0.0.0.0/8.
 */
function isWhole(network: string): boolean {
  const [address = ''] = network.split('/')
  return NAMES.includes(network) || isIP(address) !== 0
}

/** @throws ConfigError naming the key and the reason */
export function checkForwarded({ trustProxy, publicUrl }: RawConfig['server']): void {
  if (!trustProxy.every(isWhole) || !compiles(trustProxy)) {
    const forms = `addresses, networks as 10.0.0.0/8, or ${NAMES.join(', ')}`
    throw new ConfigError('server.trustProxy', `must be ${forms}`)
  }
  if (publicUrl !== null && !isOrigin(publicUrl)) {
    throw new ConfigError('server.publicUrl', 'must be as https://api.example, without a path')
  }
}

function compiles(networks: readonly string[]): boolean {
  try {
    compile([...networks])
    return true
  } catch {
    return false
  }
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, origin, href } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && href === `${origin}/`
}

/** Networks and addresses that say who is asking. */
import { compile } from '@fastify/proxy-addr'
import { ConfigError } from './config-error.ts'
import type { RawConfig } from './schema.ts'

/** @throws ConfigError naming the key and the reason */
export function checkForwarded({ trustProxy, publicUrl }: RawConfig['server']): void {
  try {
    compile(trustProxy)
  } catch {
    const forms = 'addresses, networks as 10.0.0.0/8, or loopback, linklocal, uniquelocal'
    throw new ConfigError('server.trustProxy', `must be ${forms}`)
  }
  if (publicUrl !== null && !isOrigin(publicUrl)) {
    throw new ConfigError('server.publicUrl', 'must be as https://api.example, without a path')
  }
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, origin, href } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && href === `${origin}/`
}

/** What the keys of `cors` must be together. */
import { ConfigError } from './config-error.ts'
import type { RawConfig } from './schema.ts'

/** As a browser writes it (RFC 6454 section 6.2): in lower case, without a path. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** A browser leaves out the port that its scheme has by itself, and no request would ever have it. */
function isOrigin(text: string): boolean {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return false
  const { protocol, origin } = new URL(text)
  return (protocol !== 'http:' && protocol !== 'https:') || origin === text
}

/** @throws ConfigError naming the key and the reason */
export function checkCors({ origins, methods, headers, credentials }: RawConfig['cors']): void {
  if (!origins.every((origin) => origin === '*' || isOrigin(origin))) {
    const form = 'must be origins as browsers send them, as https://app.example, or *'
    throw new ConfigError('cors.origins', `${form}: without the scheme's own port`)
  }
  const isAny = origins.includes('*')
  if (isAny && origins.length > 1) {
    throw new ConfigError('cors.origins', 'must name no origin beside *')
  }
  if (isAny && credentials) {
    throw new ConfigError('cors.credentials', 'must be off where cors.origins is *')
  }
  for (const [key, tokens] of Object.entries({ methods, headers })) {
    if (!tokens.every((token) => TOKEN.test(token))) {
      throw new ConfigError(`cors.${key}`, 'must be names without spaces or commas')
    }
  }
  const ineffective = [
    ['methods', methods.length > 0],
    ['headers', headers.length > 0],
    ['credentials', credentials],
  ] as const
  for (const [key, isSet] of ineffective) {
    if (isSet && origins.length === 0) throw new ConfigError(`cors.${key}`, 'needs cors.origins')
  }
}

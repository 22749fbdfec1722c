/** The files that a configuration names: read, and found to be what they should be. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { certificatesFault, earliestExpiry } from './certificates.ts'
import { ConfigError } from './config-error.ts'
import type { Config } from './schema.ts'

/** In PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/**
 * Reads each of them, as a start does, so that a check finds what a start would find.
 *
 * @throws ConfigError naming the key
 */
export function readAllFiles({ server, upstream, redis }: Config): void {
  readCertificates('upstream.ca', upstream.ca)
  readCertificates('redis.ca', redis.ca)
  readTls(server.tls)
}

/** When what these files hold now expires, each the first of its certificates: milliseconds since 1970-01-01 UTC, or null. */
export function certificateExpiries({ server, upstream, redis }: Config) {
  return {
    server: earliestExpiry(readTls(server.tls)?.cert ?? null),
    'upstream-ca': earliestExpiry(readCertificates('upstream.ca', upstream.ca)),
    'redis-ca': earliestExpiry(readCertificates('redis.ca', redis.ca)),
  }
}

/** @throws ConfigError when one of the two is missing, can't be read, or does not fit the other */
export function readTls({ cert, key }: Config['server']['tls']): TlsFiles | null {
  if (cert === null && key === null) return null
  if (cert === null || key === null) {
    const missing = cert === null ? 'server.tls.cert' : 'server.tls.key'
    throw new ConfigError(missing, 'is required, since its counterpart is set')
  }
  const files = {
    cert: readText('server.tls.cert', cert),
    key: readText('server.tls.key', key),
  }
  try {
    createSecureContext(files)
  } catch {
    throw new ConfigError(
      'server.tls',
      'certificate and key are no valid PEM, or do not belong together',
    )
  }
  return files
}

/** @throws ConfigError when it can't be read, or is no list of certificates */
export function readCertificates(key: string, file: string | null): string | null {
  if (file === null) return null
  const pem = readText(key, file)
  const fault = certificatesFault(pem)
  if (fault !== null) throw new ConfigError(key, fault)
  return pem
}

function readText(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(key, `can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

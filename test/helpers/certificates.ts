import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** PEM files. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/**
 * A certificate that vouches for itself.
 *
 * @param names as `subjectAltName` has them: `IP:127.0.0.1`, `DNS:localhost`
 * @param days after which it expires
 */
export function makeCertificate(t: Test, names: string, days = 2): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'layby-tls-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  const named = ['-addext', `subjectAltName=${names}`, '-subj', '/CN=redis', '-days', `${days}`]
  execFileSync('openssl', [...made, ...named], { stdio: 'ignore' })
  return { key, cert }
}

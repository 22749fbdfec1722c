/** When certificates in use expire, as a metric. */
import { Gauge, type Registry } from 'prom-client'
import type { CertificateUse } from './vocabularies.ts'

/** Milliseconds since 1970-01-01 UTC; null: there is no such certificate, or none was seen so far. */
export type CertificateExpiries = Readonly<Record<CertificateUse, number | null>>

export function addCertificates(registry: Registry, expiries: () => CertificateExpiries): void {
  new Gauge({
    name: 'layby_certificate_expiry_timestamp_seconds',
    help: 'When a certificate in use expires, or the first of its file, in seconds since 1970-01-01 UTC',
    labelNames: ['certificate'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [certificate, expiresAt] of Object.entries(expiries())) {
        if (expiresAt !== null) this.set({ certificate }, expiresAt / 1000)
      }
    },
  })
}

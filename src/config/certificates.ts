/** Files of certificates, judged by the parser that will use them. Pure. */
import { X509Certificate } from 'node:crypto'

const BEGIN = /-----BEGIN (?:X509 )?CERTIFICATE-----/g
/** OpenSSL finds the first line of a block only where a line begins. */
const BLOCK =
  /^-----BEGIN ((?:X509 )?CERTIFICATE)-----[ \t]*\r?\n[\s\S]*?^-----END \1-----[ \t]*$/gm

/**
 * TLS takes a file without a certificate for an empty list of authorities, and stops at the first block that it can't
 * read, both without an error.
 *
 * @param pem what the file holds
 * @returns what is wrong, as the end of a sentence that begins with the key; null: all of it can be used
 */
export function certificatesFault(pem: string): string | null {
  const begun = pem.match(BEGIN)?.length ?? 0
  if (begun === 0) return 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)'
  // With `^` and without, for what stands before it in its line, such as a byte order mark.
  const blocks = pem.match(BLOCK) ?? []
  const unreadable = blocks.findIndex((block) => !isCertificate(block))
  if (unreadable === -1 && blocks.length === begun) return null
  const place = unreadable === -1 ? 'one of its certificates' : `its certificate ${unreadable + 1}`
  return `can't be used: ${place} is no valid PEM`
}

/**
 * When the first certificate of a file expires. Milliseconds since 1970-01-01 UTC; null: it has none.
 *
 * @param pem in which `certificatesFault` finds none
 */
export function earliestExpiry(pem: string | null): number | null {
  const times = (pem?.match(BLOCK) ?? []).map((block) =>
    Date.parse(new X509Certificate(block).validTo),
  )
  return times.length === 0 ? null : Math.min(...times)
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

/**
 * Keys and names that are made from the secret. One purpose never gives the key or the name of another, nor
 * do other parts: purpose and parts are length-prefixed.
 */
import { createHmac } from 'node:crypto'

export type KeyPurpose = 'credential' | 'representation' | 'bus' | 'names'

/** 256 bits: HMAC-SHA-256(secret, purpose, parts). */
export function deriveKey(
  secret: string,
  purpose: KeyPurpose,
  ...parts: readonly string[]
): Buffer {
  return createHmac('sha256', secret)
    .update(joined('key', purpose, ...parts))
    .digest()
}

/** What stands for a key outside the process: 128 bits of an HMAC, 22 characters of base64url. */
export function sealedName(secret: string, ...parts: readonly string[]): string {
  const mac = createHmac('sha256', secret)
    .update(joined('name', ...parts))
    .digest()
  return mac.subarray(0, 16).toString('base64url')
}

function joined(...parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${part}`).join('')
}

/**
 * Bytes that are kept need memory of their own. What Node hands out may be a part of something larger, and keeps all
 * of it: what was compressed to 500 bytes keeps the 16 KB that zlib wrote into, and what is short keeps a share of a
 * pool, and with it the others of that pool.
 */

/** @returns a copy, as long as the part is */
export function ownBytes(part: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafeSlow(part.length)
  whole.set(part)
  return whole
}

/** @param text one-byte characters */
export function ownLatin1(text: string): Buffer {
  const whole = Buffer.allocUnsafeSlow(text.length)
  whole.write(text, 'latin1')
  return whole
}

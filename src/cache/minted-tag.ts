/**
 * Entity tags of Layby's own, for bodies to which the API gave none: `"<22 base64url>"`.
 *
 * ```
 *   16 bytes = 11 of HMAC-SHA-256(key of the tenant, version, body)  5 of SHA-256(label, those 11)
 * ```
 *
 * The first part says nothing of the body to anyone without the secret. The second makes such a tag known again
 * after a restart, by every instance and under every secret: it must never be taken for one of the API's.
 */
import { createHash, createHmac } from 'node:crypto'

/** Makes the entity tag of a body: `tenant`, effective version, bytes → quoted strong tag. */
export type MintTag = (tenant: string, version: string, body: Buffer) => string

const MAC_BYTES = 11
/** An API's own tag of the same form passes for a minted one once in 2^40 times. */
const CHECK_BYTES = 5
const CHECK_LABEL = 'layby-tag;'
/** Quotes included. */
const LENGTH = 24

/** Under a key for each tenant, so that equal bodies of two tenants have different tags. */
export function tagMint(secret: string): MintTag {
  return (tenant, version, body) => {
    const key = createHmac('sha256', secret).update(`etag;${tenant}`).digest()
    const digest = createHmac('sha256', key).update(`${version.length}:${version}`).update(body)
    const mac = digest.digest().subarray(0, MAC_BYTES)
    const opaque = Buffer.concat([mac, checkOf(mac)]).toString('base64url')
    // Joined for the same reason as keys are.
    return ['"', opaque, '"'].join('')
  }
}

/** @param tag a strong entity tag, quotes included, as `tagMint` makes it */
export function isMinted(tag: string): boolean {
  if (tag.length !== LENGTH) return false
  const text = tag.slice(1, -1)
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) return false
  return checkOf(bytes.subarray(0, MAC_BYTES)).equals(bytes.subarray(MAC_BYTES))
}

function checkOf(mac: Buffer): Buffer {
  return createHash('sha256').update(CHECK_LABEL).update(mac).digest().subarray(0, CHECK_BYTES)
}

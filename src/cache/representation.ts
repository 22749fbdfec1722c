/**
 * From an answer of the upstream to the bytes that are kept: which headers belong to the
 * representation, its digest, its entity tag.
 */
import { createHash, createHmac } from 'node:crypto'
import type { HeaderList } from './records.ts'

/**
 * Fields of one exchange, not of the representation. They are neither kept nor digested: two answers
 * that differ only here are the same bytes. Hop-by-hop fields never get this far.
 */
const PER_EXCHANGE: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'cache-status',
  'cdn-cache-control',
  'content-length',
  'date',
  'expires',
  'pragma',
  'retry-after',
  'server',
  'server-timing',
  'set-cookie',
  'traceparent',
  'tracestate',
  'via',
  'warning',
  'x-request-id',
])

/** The headers that are stored and replayed, in the order they came. */
export function keptHeaders(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !PER_EXCHANGE.has(name) && !name.startsWith('x-cache'))
}

/** The first value of a header, or null. `name` in lower case. */
export function headerValue(headers: HeaderList, name: string): string | null {
  for (const [candidate, value] of headers) if (candidate === name) return value
  return null
}

/** All values of a header, joined as RFC 9110 section 5.3 allows, or null. */
export function joinedHeader(headers: HeaderList, name: string): string | null {
  const values = headers.filter(([candidate]) => candidate === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}

/** SHA-256 over status, kept headers and body, each length-prefixed; base64url. */
export function digestOf(status: number, kept: HeaderList, body: Buffer): string {
  const hash = createHash('sha256')
  hash.update(`${status};${kept.length};`)
  for (const [name, value] of kept) hash.update(`${name.length}:${name}${value.length}:${value}`)
  hash.update(`${body.length}:`)
  return hash.update(body).digest('base64url')
}

/** Makes the entity tag of a body: `tenant`, effective version, bytes → quoted strong tag. */
export type MintTag = (tenant: string, version: string, body: Buffer) => string

/**
 * A strong tag that says nothing about the body to anyone without the secret (wire.md): the first
 * 128 bits of HMAC-SHA-256 under a key of the tenant's own, so that equal bodies of two tenants have
 * different tags.
 */
export function tagMint(secret: string): MintTag {
  return (tenant, version, body) => {
    const key = createHmac('sha256', secret).update(`etag;${tenant}`).digest()
    const mac = createHmac('sha256', key)
      .update(`${version.length}:${version}`)
      .update(body)
      .digest()
    // Joined for the same reason as keys are.
    return ['"', mac.subarray(0, 16).toString('base64url'), '"'].join('')
  }
}

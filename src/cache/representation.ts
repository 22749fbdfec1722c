/**
 * From an answer of the upstream to the bytes that are kept: which headers belong to the
 * representation, and its digest.
 */
import { createHash } from 'node:crypto'
import { isEntityTag } from './entity-tag.ts'
import { keptDirectives } from './kept-directives.ts'
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

/**
 * The headers that are stored and replayed, in the order they came. A tag that is none counts as absent. Of
 * `Cache-Control` what is about the bytes stays, and comes last.
 */
export function keptHeaders(headers: HeaderList): HeaderList {
  const hasTag = isEntityTag(joinedHeader(headers, 'etag') ?? '')
  const kept = headers.filter(
    ([name]) =>
      !PER_EXCHANGE.has(name) &&
      !name.startsWith('x-cache') &&
      // guard: entity-tag-form
      (hasTag || name !== 'etag'),
  )
  const control = keptDirectives(joinedHeader(headers, 'cache-control') ?? '')
  return control === null ? kept : [...kept, ['cache-control', control]]
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

/**
 * An answer of the upstream that passes as it is: status, reason phrase, end-to-end headers and body, with the fields
 * of this exchange added.
 */
import type { Readable } from 'node:stream'
import { forbidsTransform, NO_TRANSFORM } from '../cache/kept-directives.ts'
import type { Outcome } from '../cache/outcome.ts'
import type { BufferedAnswer, StreamedAnswer } from '../cache/ports.ts'
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import type { PlainAnswer } from './answer.ts'
import { cacheStatus, statusFields } from './cache-status.ts'
import { VIA, varyOf, withVary } from './client-fields.ts'
import { CLIENT_MAY_REVALIDATE } from './client-lifetime.ts'
import {
  exposedHeaders,
  isReplacedBy,
  originNamed,
  type Readers,
  readersOf,
  varyFor,
} from './cors-fields.ts'
import { formTag } from './entity-tags.ts'
import { timingFields } from './server-timing.ts'
import type { RequestHead } from './validate.ts'

/** Of a relayed answer, what is the exchange's own and written anew. */
const NOT_RELAYED: ReadonlySet<string> = new Set([
  'cache-status',
  'cdn-cache-control',
  'server-timing',
  'via',
  'x-request-id',
])

export interface Relayable extends Pick<BufferedAnswer, 'status' | 'reason' | 'headers'> {
  readonly body: Buffer | Readable | null
}

/** What an answer says of its exchange, beside the outcome. */
export interface ExchangeFacts {
  /** Who may read the answer. */
  readonly readers: Readers
  /** `Server-Timing`; null: there is none. */
  readonly timing: string | null
}

export interface Target {
  /** A read of a cached resource: `Cache-Control` and `Vary` follow the cache's rules for clients. */
  readonly isCachedRead: boolean
  /** A resource whose reads are cached, whatever the method: its entity tags are those of a form. */
  readonly isCached: boolean
}

export const CACHED_READ: Target = { isCachedRead: true, isCached: true }

/**
 * @param target what the request was for
 */
export function relayedAnswer(
  answer: Relayable,
  outcome: Outcome,
  head: RequestHead,
  target: Target,
  { readers: rule, timing }: ExchangeFacts,
): PlainAnswer {
  const { status, reason, headers: received } = answer
  const { isCachedRead, isCached } = target
  const readers = readersOf(rule, originNamed(received), head.origin)
  const replaced = isCachedRead ? RULED_ON_CACHED_ROUTES : varyFor(readers).length > 0 ? VARY : null
  const headers: string[] = []
  for (const [name, value] of received) {
    if (NOT_RELAYED.has(name) || replaced?.has(name) || isReplacedBy(readers, name)) continue
    headers.push(name, name === 'etag' && isCached ? formTag(value, null) : value)
  }
  if (isCachedRead) headers.push(...cachedRouteHeaders(status, received, readers))
  else if (replaced === VARY) headers.push('Vary', withVary(varyFor(readers), received))
  headers.push(...readers.list, ...exposedHeaders(readers, received))
  headers.push('CDN-Cache-Control', 'no-store', 'Via', viaOf(received))
  headers.push('X-Request-Id', head.requestId)
  headers.push(...statusFields(received, cacheStatus(outcome)), ...timingFields(received, timing))
  return { status, reason, head: headers, body: answer.body }
}

const VARY: ReadonlySet<string> = new Set(['vary'])
const RULED_ON_CACHED_ROUTES: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'server',
  'vary',
])

function cachedRouteHeaders(status: number, received: HeaderList, readers: Readers): string[] {
  const upstream = joinedHeader(received, 'cache-control')
  const fallback = status >= 400 ? 'no-store' : CLIENT_MAY_REVALIDATE
  const isForbidden = upstream !== null && /(^|,)[ \t]*no-store[ \t]*(,|$)/i.test(upstream)
  const control = isForbidden ? withoutSharing(upstream) : fallback
  const isFixed = upstream !== null && forbidsTransform(upstream) && !forbidsTransform(control)
  return [
    'Cache-Control',
    isFixed ? `${control}, ${NO_TRANSFORM}` : control,
    'Vary',
    varyOf(received, readers),
  ]
}

/** What forbids storing passes unchanged, unless it also says what never leaves here. */
function withoutSharing(cacheControl: string): string {
  return /public|s-maxage/i.test(cacheControl) ? 'no-store' : cacheControl
}

function viaOf(received: HeaderList): string {
  const theirs = joinedHeader(received, 'via')
  return theirs === null ? VIA : `${theirs}, ${VIA}`
}

/** An answer of either form, with its body. */
export function relayable(answer: BufferedAnswer | StreamedAnswer): Relayable {
  const { status, reason, headers } = answer
  return { status, reason, headers, body: answer.kind === 'buffered' ? answer.body : answer.stream }
}

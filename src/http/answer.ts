/**
 * From what was served to the head and body that go on the wire (wire.md). Pure, and the only place that
 * knows these rules: both front ends answer through it.
 */
import type { Readable } from 'node:stream'
import type { Outcome } from '../cache/outcome.ts'
import type { BufferedAnswer, StreamedAnswer } from '../cache/ports.ts'
import type { HeaderList, Representation } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import { ownLatin1 } from '../lib/own-bytes.ts'
import { cacheStatus } from './cache-status.ts'
import { noneMatchFails } from './conditional.ts'
import { type Coding, chooseCoding } from './encoding.ts'
import { CACHE_NAME } from './fields.ts'
import { bodyIn, codingFor, tagOf } from './forms.ts'
import { linesOf, Telling, type ToldLines } from './told.ts'
import type { RequestHead } from './validate.ts'

export interface WireAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as `writeHead` takes them, or what was prepared of them. */
  readonly head: string[] | PreparedHead
  readonly body: Buffer | Readable | null
}

/** One that was put together for this answer alone. */
export interface PlainAnswer extends WireAnswer {
  readonly head: string[]
}

export interface PreparedHead {
  /** What all answers of one kind made of the same representation begin with. */
  readonly block: HeaderBlock
  /** Follows it, as `X-Request-Id`. */
  readonly requestId: string
  /** Comes last. */
  readonly told: ToldLines
}

/** Headers that are put together once and written often. */
export interface HeaderBlock {
  /** Names and values in turn. */
  readonly list: readonly string[]
  /** Status line and headers as they go on the wire, up to the value of `X-Request-Id`. */
  readonly start: Buffer
  readonly hasDate: boolean
}

/** All of the answer's headers, names and values in turn, in the order in which they are sent. */
export function headersOf({ head }: Pick<WireAnswer, 'head'>): string[] {
  return isPlain(head)
    ? head
    : [...head.block.list, 'X-Request-Id', head.requestId, ...head.told.list]
}

/** Whether nothing of the head was prepared. */
export function isPlain(head: WireAnswer['head']): head is string[] {
  return Array.isArray(head)
}

/** Whether the answer brings a `Date` of the upstream's; otherwise who sends it adds one. */
export function hasDate({ head }: Pick<WireAnswer, 'head'>): boolean {
  return isPlain(head) ? hasName(head, 'Date') || hasName(head, 'date') : head.block.hasDate
}

/** @param list names and values in turn; a value that reads like a name is none */
export function hasName(list: readonly string[], name: string): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true
  return false
}

export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${printable(reason)}\r\n`
}

/** A reason phrase that can't be written is left out: it carries a message, not the meaning. */
export function printable(reason: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(reason) ? reason : ''
}

const VIA = `1.1 ${CACHE_NAME}`
const VARY = ['Authorization', 'X-Tenant-Id', 'X-Api-Version', 'Accept-Encoding']
const EXPOSED = 'Age, ETag, Cache-Status, Server-Timing, Retry-After, X-Request-Id, X-Api-Version'
/** The client may keep the body, and must ask before using it again: a cheap 304. */
const CLIENT_MAY_REVALIDATE = 'private, no-cache'

const NOT_MODIFIED = { status: 304, reason: 'Not Modified' } as const

/** What is the same for every answer made of one form of a representation, and what was last told with it. */
interface Blocks {
  readonly body: Buffer
  readonly full: HeaderBlock
  readonly notModified: HeaderBlock
  readonly telling: Telling
}

/** Built once per representation and form, and gone with the representation. */
const blocks = new WeakMap<Representation, Map<Coding | null, Blocks>>()

export function representationAnswer(
  representation: Representation,
  told: Outcome,
  head: RequestHead,
): WireAnswer {
  const coding = codingFor(representation, chooseCoding(head.acceptEncoding))
  const { body, full, notModified, telling } = blocksOf(representation, coding)
  const { requestId, ifNoneMatch } = head
  const lines = telling.linesFor(told)
  if (ifNoneMatch !== null && noneMatchFails(ifNoneMatch, tagOf(representation, coding))) {
    const { status, reason } = NOT_MODIFIED
    return { status, reason, head: { block: notModified, requestId, told: lines }, body: null }
  }
  const { status, reason } = representation
  return { status, reason, head: { block: full, requestId, told: lines }, body }
}

function blocksOf(representation: Representation, coding: Coding | null): Blocks {
  const known = blocks.get(representation)
  const made = known?.get(coding)
  if (made !== undefined) return made
  const forms = known ?? new Map<Coding | null, Blocks>()
  if (known === undefined) blocks.set(representation, forms)
  const first = makeBlocks(representation, coding)
  forms.set(coding, first)
  return first
}

function makeBlocks(representation: Representation, coding: Coding | null): Blocks {
  const { status, reason, headers, date, version } = representation
  const body = bodyIn(representation, coding)
  const shared = [
    'ETag',
    tagOf(representation, coding),
    'Cache-Control',
    CLIENT_MAY_REVALIDATE,
    'CDN-Cache-Control',
    'no-store',
    'Vary',
    varyOf(headers),
    'Via',
    VIA,
    ...(date === null ? [] : ['Date', date]),
    ...exposedHeaders(headers),
  ]
  const replayed = headers.filter(([name]) => !REPLACED.has(name)).flat()
  const origin = joinedHeader(headers, 'access-control-allow-origin')
  return {
    body,
    full: blockOf(status, reason, [
      ...replayed,
      ...(coding === null ? [] : ['Content-Encoding', coding]),
      'Content-Length',
      String(body.length),
      ...shared,
    ]),
    notModified: blockOf(NOT_MODIFIED.status, NOT_MODIFIED.reason, [
      'x-api-version',
      version,
      ...(origin === null ? [] : ['access-control-allow-origin', origin]),
      ...shared,
    ]),
    telling: new Telling(),
  }
}

function blockOf(status: number, reason: string, list: readonly string[]): HeaderBlock {
  const text = `${statusLine(status, reason)}${linesOf(list)}X-Request-Id: `
  return { list, start: ownLatin1(text), hasDate: hasName(list, 'Date') }
}

/** Kept headers that are written from a rule of their own. */
const REPLACED: ReadonlySet<string> = new Set(['vary', 'etag', 'access-control-expose-headers'])

/** A longer list is not taken apart: the answer then varies by anything (RFC 9110 section 12.5.5). */
const MAX_VARY_LENGTH = 1_024

function varyOf(headers: HeaderList): string {
  const upstream = joinedHeader(headers, 'vary')
  if (upstream === null) return VARY.join(', ')
  if (upstream.length > MAX_VARY_LENGTH) return '*'
  const own = new Set(VARY.map((name) => name.toLowerCase()))
  const more = upstream.split(',').map((name) => name.trim())
  return [...VARY, ...more.filter((name) => name !== '' && !own.has(name.toLowerCase()))].join(', ')
}

function exposedHeaders(headers: HeaderList): string[] {
  if (joinedHeader(headers, 'access-control-allow-origin') === null) return []
  const upstream = joinedHeader(headers, 'access-control-expose-headers')
  const exposed = upstream === null ? EXPOSED : `${upstream}, ${EXPOSED}`
  return ['Access-Control-Expose-Headers', exposed]
}

/** Of a relayed answer, what is the exchange's own and written anew. */
const NOT_RELAYED: ReadonlySet<string> = new Set([
  'cache-status',
  'cdn-cache-control',
  'via',
  'x-request-id',
])

/**
 * An answer of the upstream that passes as it is: status, reason phrase, end-to-end headers and body,
 * with the fields of this exchange added.
 *
 * @param onCachedRoute its `Cache-Control` and `Vary` then follow the cache's rules for clients
 */
export function relayedAnswer(
  answer: Pick<BufferedAnswer, 'status' | 'reason' | 'headers'> & {
    readonly body: Buffer | Readable | null
  },
  told: Outcome,
  head: RequestHead,
  onCachedRoute: boolean,
): PlainAnswer {
  const { status, reason, headers: received } = answer
  const headers: string[] = []
  for (const [name, value] of received) {
    if (NOT_RELAYED.has(name) || (onCachedRoute && RULED_ON_CACHED_ROUTES.has(name))) continue
    headers.push(name, value)
  }
  if (onCachedRoute) headers.push(...cachedRouteHeaders(status, received))
  headers.push('CDN-Cache-Control', 'no-store', 'Via', viaOf(received))
  headers.push('X-Request-Id', head.requestId)
  const own = cacheStatus(told)
  const theirs = joinedHeader(received, 'cache-status')
  if (own !== null) headers.push('Cache-Status', theirs === null ? own : `${theirs}, ${own}`)
  return { status, reason, head: headers, body: answer.body }
}

const RULED_ON_CACHED_ROUTES: ReadonlySet<string> = new Set([
  'access-control-expose-headers',
  'age',
  'cache-control',
  'server',
  'vary',
])

function cachedRouteHeaders(status: number, received: HeaderList): string[] {
  const upstream = joinedHeader(received, 'cache-control')
  const fallback = status >= 400 ? 'no-store' : CLIENT_MAY_REVALIDATE
  const isForbidden = upstream !== null && /(^|,)[ \t]*no-store[ \t]*(,|$)/i.test(upstream)
  return [
    'Cache-Control',
    isForbidden ? withoutSharing(upstream) : fallback,
    'Vary',
    varyOf(received),
    ...exposedHeaders(received),
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

/** The body of an answer of either form. */
export function bodyOf(answer: BufferedAnswer | StreamedAnswer): Buffer | Readable {
  return answer.kind === 'buffered' ? answer.body : answer.stream
}

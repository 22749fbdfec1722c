/**
 * Which answers may be stored, and for how long (`freshness.ts`). Pure functions of the request, the answer, the local
 * limits and the time.
 */
import { assessFreshness, type ExchangeTimes, type Freshness } from './freshness.ts'
import { integerMember, parseObject } from './json-member.ts'
import type { RejectReason } from './outcome.ts'
import type { BufferedAnswer, StreamedAnswer } from './ports.ts'
import type { HeaderList } from './records.ts'
import { headerValue, joinedHeader } from './representation.ts'

/** What of the request decides about storing its answer. */
export interface Asked {
  /** The explicit version, or null when the header was absent. */
  readonly version: string | null
  /** Top-level body member that names the parent; null: the route has none. */
  readonly parentMember: string | null
}

export type Assessment =
  | (Freshness & {
      readonly kind: 'admit'
      /** The effective version. */
      readonly version: string
      readonly parent: string | null
    })
  | { readonly kind: 'reject'; readonly reason: RejectReason }

/**
 * Fields that an answer may vary by and still be stored: they are in the key, bound to the grant, or
 * the same in every fill.
 */
const KNOWN_VARY: ReadonlySet<string> = new Set([
  'authorization',
  'x-tenant-id',
  'x-api-version',
  'accept',
  'accept-encoding',
  'origin',
])

/** All the known ones fit several times. */
const MAX_VARY_LENGTH = 1_024

/** @param ttlMs the local lifetime, jitter applied */
export function assess(
  asked: Asked,
  answer: BufferedAnswer,
  ttlMs: number,
  times: ExchangeTimes,
): Assessment {
  const { headers } = answer
  // guard: stored-status
  if (answer.status !== 200) return reject('status')
  // guard: stored-cookies
  if (headerValue(headers, 'set-cookie') !== null) return reject('set-cookie')
  if (!hasKnownVary(headers)) return reject('vary')
  // Two lines of a field that has one value are no value.
  if ((joinedHeader(headers, 'content-encoding') ?? 'identity') !== 'identity') {
    return reject('encoding')
  }
  const version = joinedHeader(headers, 'x-api-version')
  // guard: stored-version
  if (version === null || (asked.version !== null && asked.version !== version)) {
    return reject('version')
  }
  const freshness = assessFreshness(headers, ttlMs, times)
  if (typeof freshness === 'string') return reject(freshness)
  const body = assessBody(asked, answer)
  return body.kind === 'reject'
    ? body
    : { kind: 'admit', ...freshness, version, parent: body.parent }
}

/**
 * Whether a 200 is plainly not the resource, but what something between here and the API, or the API for a while, says
 * in its place: a page of another type, or no JSON object.
 */
export function isPlainlyOther(answer: BufferedAnswer | StreamedAnswer): boolean {
  const { headers } = answer
  const type = joinedHeader(headers, 'content-type')
  // guard: plainly-other
  if (type !== null && !/^application\/(?:[^;]+\+)?json[ \t]*(?:;|$)/i.test(type)) return true
  const isReadable = (joinedHeader(headers, 'content-encoding') ?? 'identity') === 'identity'
  if (answer.kind === 'streamed' || !isReadable) return false
  return parseObject(answer.body.toString('utf8')) === null
}

function hasKnownVary(headers: HeaderList): boolean {
  const vary = joinedHeader(headers, 'vary')
  if (vary === null) return true
  return (
    vary.length <= MAX_VARY_LENGTH &&
    vary.split(',').every((name) => KNOWN_VARY.has(name.trim().toLowerCase()))
  )
}

function assessBody(
  asked: Asked,
  answer: BufferedAnswer,
): { readonly kind: 'ok'; readonly parent: string | null } | Assessment {
  const type = joinedHeader(answer.headers, 'content-type')
  // guard: stored-type
  if (type?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') return reject('type')
  const json = answer.body.toString('utf8')
  const object = parseObject(json)
  // guard: stored-json
  if (object === null) return reject('body')
  const parent =
    asked.parentMember === null ? null : integerMember(json, object, asked.parentMember)
  // A parent that can't be read is a write that would not reach this entry.
  return parent === 'invalid' ? reject('body') : { kind: 'ok', parent }
}

function reject(reason: RejectReason): { readonly kind: 'reject'; readonly reason: RejectReason } {
  return { kind: 'reject', reason }
}

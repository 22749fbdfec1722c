/**
 * Which answers may be stored, and for how long (design section 2, "policy"). Pure functions of the
 * request, the answer and the local limits. The upstream sends no cache metadata today (contract
 * section 1); what it ever sends wins over the local lifetime where it is stricter.
 */
import { parseHttpDate } from '../lib/http-date.ts'
import { type ResponseDirectives, responseDirectives } from './cache-control.ts'
import { integerMember, parseObject } from './json-member.ts'
import type { RejectReason } from './outcome.ts'
import type { BufferedAnswer } from './ports.ts'
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
  | {
      readonly kind: 'admit'
      /** Milliseconds, counted from the moment the upstream made the body. */
      readonly lifetimeMs: number
      /** How old the body was when the request was sent, by the upstream's own `Age`. */
      readonly initialAgeMs: number
      /** For how long past that the upstream lets it be served stale, in milliseconds; `Infinity`: it does not say. */
      readonly staleMs: number
      /** The effective version. */
      readonly version: string
      readonly parent: string | null
    }
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
export function assess(asked: Asked, answer: BufferedAnswer, ttlMs: number): Assessment {
  const { headers } = answer
  // guard: stored-status
  if (answer.status !== 200) return reject('status')
  // guard: stored-cookies
  if (headerValue(headers, 'set-cookie') !== null) return reject('set-cookie')
  if (!hasKnownVary(headers)) return reject('vary')
  if ((headerValue(headers, 'content-encoding') ?? 'identity') !== 'identity') {
    return reject('encoding')
  }
  const version = headerValue(headers, 'x-api-version')
  // guard: stored-version
  if (version === null || (asked.version !== null && asked.version !== version)) {
    return reject('version')
  }
  const freshness = assessFreshness(headers, ttlMs)
  if (typeof freshness === 'string') return reject(freshness)
  const body = assessBody(asked, answer)
  return body.kind === 'reject'
    ? body
    : { kind: 'admit', ...freshness, version, parent: body.parent }
}

function hasKnownVary(headers: HeaderList): boolean {
  const vary = joinedHeader(headers, 'vary')
  if (vary === null) return true
  return (
    vary.length <= MAX_VARY_LENGTH &&
    vary.split(',').every((name) => KNOWN_VARY.has(name.trim().toLowerCase()))
  )
}

type Freshness = Pick<
  Extract<Assessment, { kind: 'admit' }>,
  'lifetimeMs' | 'initialAgeMs' | 'staleMs'
>

function assessFreshness(headers: HeaderList, ttlMs: number): Freshness | RejectReason {
  const directives = responseDirectives(joinedHeader(headers, 'cache-control'))
  if (directives.malformed) return 'cache-control'
  if (directives.noStore) return 'no-store'
  if (directives.isPrivate) return 'private'
  if (directives.noCache) return 'no-cache'
  const stated = directives.lifetime ?? expiresLifetime(headers)
  const lifetimeMs = stated === null ? ttlMs : Math.min(stated * 1000, ttlMs)
  const age = headerValue(headers, 'age')
  const initialAgeMs = age !== null && /^[0-9]{1,10}$/.test(age) ? Number(age) * 1000 : 0
  return lifetimeMs > initialAgeMs
    ? { lifetimeMs, initialAgeMs, staleMs: staleMs(directives) }
    : 'expired'
}

function staleMs({ mustRevalidate, staleIfError }: ResponseDirectives): number {
  if (mustRevalidate) return 0
  return staleIfError === null ? Infinity : staleIfError * 1000
}

/**
 * Seconds by `Expires` (RFC 9111 section 5.3), against the answer's own `Date`: both are on the
 * upstream's clock, so ours does not matter. An `Expires` that can't be read means "already expired".
 */
function expiresLifetime(headers: HeaderList): number | null {
  const expires = headerValue(headers, 'expires')
  if (expires === null) return null
  const seconds = (parseHttpDate(expires) - parseHttpDate(headerValue(headers, 'date'))) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0
}

function assessBody(
  asked: Asked,
  answer: BufferedAnswer,
): { readonly kind: 'ok'; readonly parent: string | null } | Assessment {
  const type = headerValue(answer.headers, 'content-type')
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

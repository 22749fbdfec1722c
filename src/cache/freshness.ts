/**
 * How old an answer is when it comes, and for how long it is fresh (RFC 9111 section 4.2). The upstream sends no cache
 * metadata today (contract section 1); what it ever sends wins over the local lifetime where it is stricter. Pure.
 */
import { formatHttpDate, parseHttpDate } from '../lib/http-date.ts'
import { MAX_DELTA_SECONDS, type ResponseDirectives, responseDirectives } from './cache-control.ts'
import type { RejectReason } from './outcome.ts'
import type { HeaderList } from './records.ts'
import { joinedHeader } from './representation.ts'

export interface Freshness {
  /** Milliseconds, counted from the moment the upstream made the body. */
  readonly lifetimeMs: number
  /** How old the body was when the request was sent. */
  readonly initialAgeMs: number
  /** For how long past that the upstream lets it be served stale, in milliseconds; `Infinity`: it does not say. */
  readonly staleMs: number
}

/** Of one exchange, in milliseconds since 1970 by our own clock. */
export interface ExchangeTimes {
  readonly sentAt: number
  readonly receivedAt: number
}

/** @param ttlMs the local lifetime, jitter applied */
export function assessFreshness(
  headers: HeaderList,
  ttlMs: number,
  times: ExchangeTimes,
): Freshness | RejectReason {
  const directives = responseDirectives(joinedHeader(headers, 'cache-control'))
  if (directives.malformed) return 'cache-control'
  if (directives.noStore) return 'no-store'
  if (directives.isPrivate) return 'private'
  if (directives.noCache) return 'no-cache'
  const stated = directives.lifetime ?? expiresLifetime(headers, times)
  const lifetimeMs = stated === null ? ttlMs : Math.min(stated * 1000, ttlMs)
  const initialAgeMs = Math.max(statedAgeMs(headers), apparentAgeMs(headers, times))
  return lifetimeMs > initialAgeMs
    ? { lifetimeMs, initialAgeMs, staleMs: staleMs(directives) }
    : 'expired'
}

/** When the upstream says it made the answer, in milliseconds since 1970; NaN: it does not say. */
function dateOf(headers: HeaderList, { receivedAt }: ExchangeTimes): number {
  return parseHttpDate(joinedHeader(headers, 'date'), receivedAt)
}

/** What a copy bears as its `Date`: the upstream's, else the time of receipt (RFC 9110 section 6.6.1). */
export function dateField(headers: HeaderList, times: ExchangeTimes): string {
  const theirs = joinedHeader(headers, 'date')
  const isDate = !Number.isNaN(dateOf(headers, times))
  return theirs !== null && isDate ? theirs : formatHttpDate(times.receivedAt)
}

/**
 * `Age` (RFC 9111 section 5.1): of a list the first member counts, and what is no number is ignored. A number that is
 * too great for a delta counts as the greatest one (section 1.2.2).
 */
function statedAgeMs(headers: HeaderList): number {
  const [first = ''] = (joinedHeader(headers, 'age') ?? '').split(',', 1)
  // guard: stated-age
  return /^[0-9]+$/.test(first.trim()) ? Math.min(Number(first), MAX_DELTA_SECONDS) * 1000 : 0
}

/** `Date` has whole seconds, and a clock that ticks just before ours does not make an answer old. */
const DATE_RESOLUTION_MS = 1_000

/** By the upstream's `Date` and our own clock (RFC 9111 section 4.2.3): how old it was when the request was sent. */
function apparentAgeMs(headers: HeaderList, times: ExchangeTimes): number {
  const ageMs = Math.floor(times.sentAt / 1000) * 1000 - dateOf(headers, times)
  // guard: apparent-age
  return ageMs > DATE_RESOLUTION_MS ? ageMs : 0
}

function staleMs({ mustRevalidate, staleIfError }: ResponseDirectives): number {
  if (mustRevalidate) return 0
  return staleIfError === null ? Infinity : staleIfError * 1000
}

/**
 * Seconds by `Expires` (RFC 9111 section 5.3), against the answer's own `Date`: both are on the
 * upstream's clock, so ours does not matter, unless it sent none. An `Expires` that is no date means "already expired".
 */
function expiresLifetime(headers: HeaderList, times: ExchangeTimes): number | null {
  const expires = joinedHeader(headers, 'expires')
  if (expires === null) return null
  const made = dateOf(headers, times)
  const from = Number.isNaN(made) ? times.receivedAt : made
  const seconds = (parseHttpDate(expires, times.receivedAt) - from) / 1000
  return Number.isNaN(seconds) ? 0 : Math.max(0, seconds)
}

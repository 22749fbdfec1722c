/**
 * The closed vocabularies of metrics, in words for people. The dashboard's page runs this file as well: it
 * imports nothing that does anything.
 */
import type { OutcomeKind } from '../cache/outcome.ts'
import type { UpstreamCause } from '../cache/ports.ts'
import type { FillResult, InvalidationSource } from '../cache/report.ts'
import type { StaleReason } from '../cache/stale.ts'
import type { MissReason } from './tenant-traffic.ts'

type Words<Word extends string> = Readonly<Record<Word, string>>

export const OUTCOME_WORDS: Words<OutcomeKind> = {
  hit: 'Hit: answered from the cache',
  fill: 'Fill: the API was asked',
  follower: 'Follower: waited for another’s fill',
  bypass: 'Bypass: the request skipped the cache',
  'pass-through': 'Pass-through: the cache has no say',
  refused: 'Refused: not valid, or too much to do',
  'not-cached': 'Not cached: only the cache would do',
  failed: 'Failed: no valid answer from the API',
}

/** `none`: `layby_requests_total` has no reason where a fill was plain. */
export const MISS_WORDS: Words<MissReason | 'none'> = {
  none: 'first read, or its copy was too old',
  'uri-miss': 'first read of the record by that credential',
  stale: 'the copy was too old, or a write had overtaken it',
  request: 'the client asked for a fresh one',
  bypass: 'the request skips the cache',
  method: 'it was a write',
  memory: 'answered from memory',
  redis: 'answered from Redis',
  swr: 'a stale copy was served',
  'max-stale': 'a stale copy was served, as the client accepts it',
  sie: 'a stale copy was served, since the API failed',
  query: 'it had a query, whose meaning is not known',
  'no-store': 'the client said no-store',
  'tenant-off': 'an operator has switched the cache off for the tenant',
  follower: 'waited for a read that was under way',
  private: 'what it waited for could not be shared',
  'version-pin': 'the credential had changed its API version',
  breaker: 'the API had failed of late and was not asked',
  limited: 'the tenant had too much under way',
  failed: 'the API gave no valid answer',
  'not-cached': 'the client wanted it from the cache only',
  'reject.status': 'not stored: the API’s answer was no 200',
  'reject.type': 'not stored: the answer was no JSON',
  'reject.body': 'not stored: the body was not what was asked for',
  'reject.encoding': 'not stored: the body came compressed',
  'reject.no-store': 'not stored: the API said no-store',
  'reject.private': 'not stored: the API said private',
  'reject.no-cache': 'not stored: the API said no-cache',
  'reject.cache-control': 'not stored: Cache-Control was not understood',
  'reject.expired': 'not stored: the answer was too old already',
  'reject.set-cookie': 'not stored: the answer set a cookie',
  'reject.vary': 'not stored: the answer varies by an unknown header',
  'reject.size': 'not stored: the body was too large',
  'reject.unproven': 'not stored: nothing shows that the body is whole',
  'reject.version': 'not stored: another API version was answered',
  'reject.fence': 'not stored: a write was under way',
  'reject.fences-unknown': 'not stored: Redis was away, so writes might not be known',
  'reject.superseded': 'not stored: a later answer was there already',
}

const API_FORBIDS = 'The API’s header fields forbid to keep its answers: ask its makers.'

/** What somebody can do about most misses being of this kind, as a sentence. Where nothing is left to do there is none. */
export const REMEDY_WORDS: Readonly<Partial<Words<MissReason>>> = {
  'tenant-off': 'An operator can switch its cache on again (docs/admin.md).',
  'version-pin': 'One token names two API versions in turn: give each OAuth client one version.',
  query: 'Have its clients ask for the record without a query.',
  'no-store': 'Ask the makers of its clients why they send Cache-Control: no-store.',
  request: 'Ask the makers of its clients why they send no-cache with each read.',
  'reject.no-store': API_FORBIDS,
  'reject.private': API_FORBIDS,
  'reject.no-cache': API_FORBIDS,
  'reject.cache-control': API_FORBIDS,
  'reject.expired': API_FORBIDS,
  'reject.set-cookie': API_FORBIDS,
  'reject.vary': API_FORBIDS,
  'reject.encoding': 'Have what stands before the API send its answers uncompressed.',
  'reject.size': 'A larger cache.maxBodyBytes keeps such bodies.',
  'reject.unproven': 'Have what stands before the API send Content-Length or chunks.',
}

export const STALE_WORDS: Words<StaleReason> = {
  swr: 'while it was refreshed',
  'max-stale': 'the client accepts it',
  sie: 'the API had failed',
}

export const INVALIDATION_WORDS: Words<InvalidationSource> = {
  write: 'a write went through here',
  change: 'the API answered something new',
  credential: 'a credential was refused',
  bus: 'another instance said so',
  purge: 'an operator purged',
}

/** Why a call to the API brought nothing, or was not made. */
export const CAUSE_WORDS: Words<UpstreamCause | 'breaker' | 'limited'> = {
  dns: 'its name has no address',
  refused: 'connection refused',
  'no-route': 'no network leads there',
  local: 'this host can’t open a connection',
  'connect-timeout': 'no connection in time',
  tls: 'TLS: handshake or certificate',
  reset: 'connection ended before the answer',
  truncated: 'connection ended within the answer',
  'bad-http': 'no valid HTTP',
  'headers-timeout': 'the answer did not begin in time',
  'body-timeout': 'the answer paused for too long',
  'total-timeout': 'the answer took too long',
  'queue-timeout': 'too many requests under way',
  stopping: 'this process ends',
  breaker: 'not asked, since it had failed',
  limited: 'not asked, the tenant had too much under way',
}

export const FILL_WORDS: Words<FillResult> = {
  stored: 'stored',
  rejected: 'answered, not stored',
  failed: 'failed, or not sent',
}

/** @returns the word itself where it has no words of its own */
export function inWords(words: Readonly<Record<string, string>>, word: string): string {
  return words[word] ?? word.replaceAll(/[_.-]/g, ' ')
}

export function whole(count: number): string {
  return new Intl.NumberFormat('en').format(count)
}

/** @param share null: unknown */
export function percent(share: number | null): string {
  return share === null ? '–' : `${Math.floor(share * 100)}\u00a0%`
}

export function were(count: number): string {
  return count === 1 ? 'request was' : 'requests were'
}

/** The closed unions that metrics have as labels, as values: a word that is missing here does not compile. */
import type { OutcomeKind, RejectReason, Tier } from '../cache/outcome.ts'
import type { UpstreamCause } from '../cache/ports.ts'
import type { FillResult, InvalidationSource } from '../cache/report.ts'
import type { StaleReason } from '../cache/stale.ts'
import type { RepresentationHeader } from '../lib/answer-headers.ts'
import type { TlsFile } from '../lib/tls-file.ts'

type Words<Word extends string> = Readonly<Record<Word, true>>

export const OUTCOMES: Words<OutcomeKind> = {
  hit: true,
  fill: true,
  follower: true,
  bypass: true,
  'pass-through': true,
  refused: true,
  'not-cached': true,
  failed: true,
}

export const TIERS: Words<Tier> = { memory: true, redis: true }

export const REJECT_REASONS: Words<RejectReason> = {
  status: true,
  type: true,
  body: true,
  encoding: true,
  'no-store': true,
  private: true,
  'no-cache': true,
  'cache-control': true,
  expired: true,
  'set-cookie': true,
  vary: true,
  size: true,
  unproven: true,
  version: true,
  fence: true,
  'fences-unknown': true,
  superseded: true,
}

export const STALE_REASONS: Words<StaleReason> = { swr: true, 'max-stale': true, sie: true }

export const FILL_RESULTS: Words<FillResult> = { stored: true, rejected: true, failed: true }

export const INVALIDATION_SOURCES: Words<InvalidationSource> = {
  write: true,
  change: true,
  credential: true,
  bus: true,
  purge: true,
}

export const UPSTREAM_CAUSES: Words<UpstreamCause> = {
  dns: true,
  refused: true,
  'no-route': true,
  local: true,
  'connect-timeout': true,
  tls: true,
  reset: true,
  truncated: true,
  'bad-http': true,
  'headers-timeout': true,
  'body-timeout': true,
  'total-timeout': true,
  'queue-timeout': true,
  stopping: true,
}

/** What a certificate is for: of the public listener, shown by the API, and the authorities of `upstream.ca` and `redis.ca`. */
export type CertificateUse = 'server' | 'upstream' | 'upstream-ca' | 'redis-ca'

export const CERTIFICATE_USES: Words<CertificateUse> = {
  server: true,
  upstream: true,
  'upstream-ca': true,
  'redis-ca': true,
}

/** Changed files of TLS are taken into use, or rejected, and those before stay in use. */
export type TlsReloadResult = 'loaded' | 'rejected'

export const TLS_RELOAD_RESULTS: Words<TlsReloadResult> = { loaded: true, rejected: true }

export const TLS_FILES: Words<TlsFile> = { server: true, 'upstream-ca': true, 'redis-ca': true }

/** What a connection to the upstream does: it is being made, has a request under way, or waits for one. */
export type ConnectionState = 'connecting' | 'active' | 'idle'

export const CONNECTION_STATES: Words<ConnectionState> = {
  connecting: true,
  active: true,
  idle: true,
}

/** Headers that are kept with a body and may well change without it; the others are counted together. */
export const KEPT_HEADERS: Words<CountedHeader | 'other'> = {
  'access-control-allow-origin': true,
  allow: true,
  'content-disposition': true,
  'content-language': true,
  'content-location': true,
  'content-type': true,
  deprecation: true,
  etag: true,
  'last-modified': true,
  link: true,
  sunset: true,
  vary: true,
  'x-api-version': true,
  other: true,
}

type CountedHeader = Extract<
  RepresentationHeader,
  | `content-${'disposition' | 'language' | 'location' | 'type'}`
  | 'access-control-allow-origin'
  | 'allow'
  | 'deprecation'
  | 'etag'
  | 'last-modified'
  | 'link'
  | 'sunset'
  | 'vary'
  | 'x-api-version'
>

/** Makes something for each word. */
export function forEachWord<Word extends string, Made>(
  words: Words<Word>,
  make: (word: Word) => Made,
): Readonly<Record<Word, Made>> {
  const made = (Object.keys(words) as Word[]).map((word) => [word, make(word)])
  return Object.fromEntries(made)
}

/**
 * What of the API's `Cache-Control` stays with the bytes that it came with, for all who are answered with them later:
 * whether they may be changed, how long a client may use them once they are stale, and how long they may be served
 * while they are refreshed.
 */
import { responseDirectives } from './cache-control.ts'
import type { HeaderList } from './records.ts'
import { joinedHeader } from './representation.ts'

export const NO_TRANSFORM = 'no-transform'

/**
 * RFC 9111 sections 5.2.1.6 and 5.2.2.6. Any mention counts: what is taken for the directive by mistake costs bytes,
 * and no meaning.
 *
 * @param cacheControl all lines of the field, joined with commas
 */
export function forbidsTransform(cacheControl: string): boolean {
  return /no-transform/i.test(cacheControl)
}

/** @returns a field of the directives that are kept; null: there are none */
export function keptDirectives(cacheControl: string): string | null {
  const { mustRevalidate, staleIfError, staleWhileRevalidate } = responseDirectives(cacheControl)
  const kept = [
    ...(forbidsTransform(cacheControl) ? [NO_TRANSFORM] : []),
    ...(mustRevalidate ? ['must-revalidate'] : []),
    ...(staleIfError === null ? [] : [`stale-if-error=${staleIfError}`]),
    ...(staleWhileRevalidate === null ? [] : [`stale-while-revalidate=${staleWhileRevalidate}`]),
  ]
  return kept.length === 0 ? null : kept.join(', ')
}

/** For how many seconds past its freshness a client may use what has these directives. */
export function clientStaleSeconds(kept: string | null): number {
  if (kept === null) return Infinity
  const { mustRevalidate, staleIfError } = responseDirectives(kept)
  return mustRevalidate ? 0 : (staleIfError ?? Infinity)
}

/**
 * For how many milliseconds past its freshness a copy with these headers may be served while it is refreshed, by the
 * API's own word (RFC 5861 section 3); `Infinity`: it does not say.
 */
export function revalidateMs(headers: HeaderList): number {
  const kept = joinedHeader(headers, 'cache-control')
  const seconds = kept === null ? null : responseDirectives(kept).staleWhileRevalidate
  return seconds === null ? Infinity : seconds * 1000
}

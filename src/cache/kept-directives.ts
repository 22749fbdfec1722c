/**
 * What of the API's `Cache-Control` stays with the bytes that it came with, for all who are answered with them later:
 * whether they may be changed, and how long a client may use them once they are stale.
 */
import { responseDirectives } from './cache-control.ts'

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
  const { mustRevalidate, staleIfError } = responseDirectives(cacheControl)
  const kept = [
    ...(forbidsTransform(cacheControl) ? [NO_TRANSFORM] : []),
    ...(mustRevalidate ? ['must-revalidate'] : []),
    ...(staleIfError === null ? [] : [`stale-if-error=${staleIfError}`]),
  ]
  return kept.length === 0 ? null : kept.join(', ')
}

/** For how many seconds past its freshness a client may use what has these directives. */
export function clientStaleSeconds(kept: string | null): number {
  if (kept === null) return Infinity
  const { mustRevalidate, staleIfError } = responseDirectives(kept)
  return mustRevalidate ? 0 : (staleIfError ?? Infinity)
}

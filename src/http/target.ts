/**
 * The request target. Refused, never normalised (`docs/security.md`): two spellings of one path would
 * be two cache entries and one record upstream, or the other way round.
 */

export type Target =
  | {
      readonly kind: 'ok'
      readonly path: string
      /** Without the question mark; null when absent or empty. */
      readonly query: string | null
    }
  | { readonly kind: 'invalid_target' | 'path_not_canonical' }

const INVALID: Target = { kind: 'invalid_target' }
const NOT_CANONICAL: Target = { kind: 'path_not_canonical' }

/** RFC 3986 pchar without `;` (path parameters) and without percent-encoding, and the slash. */
const PLAIN_PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,=:@/%]*$/
const QUERY = /^[\x21\x22\x24-\x7e]*$/
const EMPTY_OR_DOT_SEGMENT = /\/\/|\/\.{1,2}(?:\/|$)/
/**
 * The percent-encodings that are never needed or never harmless: of unreserved characters, of
 * controls, and of `%`, `/`, `\`, `;`, `.`, whose decoding makes another path of it.
 */
const BAD_ENCODING =
  /%(?![0-9A-Fa-f]{2})|%(?:[01][0-9A-Fa-f]|7[Ff]|2[5DdEeFf]|3[0-9Bb]|5[CcFf]|7[Ee]|[46][1-9A-Fa-f]|[57][0-9Aa])/

/** @param url the target as it stood in the request line */
export function parseTarget(url: string): Target {
  if (url.charCodeAt(0) !== 0x2f || url.includes('#')) return INVALID
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = mark === -1 || mark === url.length - 1 ? null : url.slice(mark + 1)
  if (query !== null && !QUERY.test(query)) return INVALID
  // guard: plain-path
  if (!PLAIN_PATH.test(path) || EMPTY_OR_DOT_SEGMENT.test(path)) return NOT_CANONICAL
  // guard: path-encoding
  if (path.includes('%') && BAD_ENCODING.test(path)) return NOT_CANONICAL
  return { kind: 'ok', path, query }
}

/**
 * What the API says of its request headers, as data and predicates.
 * Pure: nothing here knows of HTTP messages, only of single header values without outer OWS.
 */

/** The headers that the contract defines. Each may appear at most once in a request. */
export const CONTRACT_HEADERS = [
  'authorization',
  'x-tenant-id',
  'x-api-version',
  'x-request-id',
  'content-type',
] as const

export type ContractHeader = (typeof CONTRACT_HEADERS)[number]

/** Release dates with slashes, oldest first (contract section 9). */
export const API_VERSIONS = [
  '2019/02/08',
  '2021/04/07',
  '2021/05/07',
  '2021/08/02',
  '2021/11/04',
  '2023/04/19',
] as const

const VERSION_SET: ReadonlySet<string> = new Set(API_VERSIONS)

/** Longest `authorization` value, scheme word included, in characters. */
const MAX_AUTHORIZATION_LENGTH = 256
const MAX_INT64 = '9223372036854775807'
const SCHEME = 'bearer '

const DECIMAL = /^[1-9][0-9]{0,18}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/**
 * RFC 9110 section 8.3.1, with the parameters of section 5.6.6: any of them may be empty. White space after a semicolon
 * belongs to the parameter behind it, or else to the next semicolon: to both, a run of `; ;` would take exponential time.
 */
const MEDIA_TYPE =
  /^([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;(?:[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+=(?:[!#$%&'*+.^_`|~0-9a-z-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/i

/** `[a-z0-9-_=]`, case-insensitive: what the pattern allows before its optional third part. */
const TOKEN_CORE = charSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=')
/** `[a-z0-9-_.+/=]`, case-insensitive: what the pattern allows in its last part. */
const TOKEN_TAIL = charSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=.+/')

function charSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const c of characters) set[c.charCodeAt(0)] = 1
  return set
}

/**
 * A canonical positive decimal integer up to 2^63-1, as text. Ids never pass through a JavaScript
 * number, and `07` or `+7` is not another spelling of `7` but no id at all.
 */
export function isCanonicalId(text: string): boolean {
  return DECIMAL.test(text) && (text.length < 19 || text <= MAX_INT64)
}

/**
 * Whether `value` is a bearer credential by the contract's pattern
 * `^bearer [a-z0-9-_=]+.[a-z0-9-_=]+.?[a-z0-9-_.+/=]*$` (any letter case, 1 to 256 characters).
 *
 * Not the regular expression itself: its unescaped dots make it backtrack in cubic time on
 * 256 hostile characters. This decides the same language in one pass, less two kinds of value that
 * the unescaped dots let in by accident: characters outside visible ASCII, and the comma, which
 * would let a joined list of two credentials pass for one.
 */
export function isBearerCredential(value: string): boolean {
  if (value.length > MAX_AUTHORIZATION_LENGTH) return false
  if (value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return false
  return isVisibleWithoutComma(value, SCHEME.length) && matchesTokenPattern(value, SCHEME.length)
}

function isVisibleWithoutComma(value: string, from: number): boolean {
  for (let i = from; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < 0x21 || c > 0x7e || c === 0x2c) return false
  }
  return true
}

/**
 * Exported for the property test that compares it with the contract's own regular expression.
 * `core+ any core+ any? tail*`: the first `any` stands either at the first non-core character or
 * anywhere inside the leading core run; in that run the earliest place leaves the most to the rest.
 */
export function matchesTokenPattern(value: string, from: number): boolean {
  let run = from
  while (run < value.length && TOKEN_CORE[value.charCodeAt(run)] === 1) run++
  if (run === from) return false
  return restMatches(value, run) || (run - from >= 3 && restMatches(value, from + 1))
}

/** `any core core* any? tail*` from `separator` on. */
function restMatches(value: string, separator: number): boolean {
  let i = separator + 1
  if (i >= value.length || TOKEN_CORE[value.charCodeAt(i)] !== 1) return false
  while (i < value.length && TOKEN_CORE[value.charCodeAt(i)] === 1) i++
  // `any?`: one character that may be anything; then only tail characters to the end.
  for (i++; i < value.length; i++) if (TOKEN_TAIL[value.charCodeAt(i)] !== 1) return false
  return true
}

/** One of the six published versions, exactly as written. */
export function isApiVersion(value: string): boolean {
  return VERSION_SET.has(value)
}

/** A UUID of any version, in any letter case. */
export function isUuid(value: string): boolean {
  return value.length === 36 && UUID.test(value)
}

/** The lower-case `type/subtype` of a well-formed media type of 1 to 256 characters, else null. */
export function mediaTypeOf(value: string): string | null {
  if (value.length === 0 || value.length > 256) return null
  return MEDIA_TYPE.exec(value)?.[1]?.toLowerCase() ?? null
}

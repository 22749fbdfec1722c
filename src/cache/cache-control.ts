/**
 * Parsing of `Cache-Control` (RFC 9111 section 5.2), from clients and from the upstream. Never throws.
 */

/** What a client asked for. Ages in seconds. */
export interface RequestDirectives {
  readonly noStore: boolean
  readonly noCache: boolean
  readonly onlyIfCached: boolean
  /** Null: not given. */
  readonly maxAge: number | null
  readonly minFresh: number | null
  /** Without a value in the request: any staleness, `Infinity`. */
  readonly maxStale: number | null
  readonly staleIfError: number | null
}

/** What the upstream demands. `malformed` means that the field could not be understood as a whole. */
export interface ResponseDirectives {
  readonly noStore: boolean
  readonly noCache: boolean
  readonly isPrivate: boolean
  /** `s-maxage`, else `max-age`, in seconds; null: neither given. */
  readonly lifetime: number | null
  /** Once stale, not to be served without asking (RFC 9111 sections 5.2.2.2, 5.2.2.8, 5.2.2.10). */
  readonly mustRevalidate: boolean
  /** Seconds by RFC 5861 section 4; null: not given. */
  readonly staleIfError: number | null
  /** Seconds by RFC 5861 section 3; null: not given. */
  readonly staleWhileRevalidate: number | null
  readonly malformed: boolean
}

export const NO_DIRECTIVES: RequestDirectives = {
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAge: null,
  minFresh: null,
  maxStale: null,
  staleIfError: null,
}

const NOTHING_DEMANDED: ResponseDirectives = {
  noStore: false,
  noCache: false,
  isPrivate: false,
  lifetime: null,
  mustRevalidate: false,
  staleIfError: null,
  staleWhileRevalidate: null,
  malformed: false,
}

/** RFC 9111 section 1.2.2: a greater value counts as 2^31. */
export const MAX_DELTA_SECONDS = 2_147_483_648
/** What is longer can't be understood, as what is no list of directives. */
const MAX_FIELD_LENGTH = 2_048
const DIRECTIVE =
  /[ \t]*([!#$%&'*+.^_`|~0-9a-z-]+)(?:=(?:([!#$%&'*+.^_`|~0-9a-z-]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*(?:,|$)|[ \t]*(?:,|$)/iy

/**
 * The directives by lower-case name; null if the field is not a list of directives. The first of two
 * equal names wins unless a later one is stricter, which the callers see to by asking for presence.
 */
export function parseDirectives(value: string): Map<string, string | null> | null {
  // guard: bounded-directives
  if (value.length > MAX_FIELD_LENGTH) return null
  const directives = new Map<string, string | null>()
  DIRECTIVE.lastIndex = 0
  while (DIRECTIVE.lastIndex < value.length) {
    const part = DIRECTIVE.exec(value)
    if (part === null) return null
    const name = part[1]?.toLowerCase()
    if (name === undefined) continue
    if (!directives.has(name)) directives.set(name, part[2] ?? part[3] ?? null)
    else if (directives.get(name) !== (part[2] ?? part[3] ?? null)) directives.set(name, '0')
  }
  return directives
}

function deltaSeconds(text: string | null | undefined): number | null {
  if (text === undefined) return null
  // A lifetime that can't be read is no lifetime at all: RFC 9111 section 4.2.1 says stale.
  if (text === null || !/^[0-9]+$/.test(text)) return 0
  return Math.min(Number(text), MAX_DELTA_SECONDS)
}

/**
 * @param cacheControl all `Cache-Control` lines joined with commas, or null
 * @param pragma `Pragma`, heeded only without `Cache-Control` (RFC 9111 section 5.4)
 */
export function requestDirectives(
  cacheControl: string | null,
  pragma: string | null,
): RequestDirectives {
  if (cacheControl === null) {
    return asksForRefresh(pragma) ? { ...NO_DIRECTIVES, noCache: true } : NO_DIRECTIVES
  }
  const parsed = parseDirectives(cacheControl)
  // What can't be read asks for the most careful thing that costs one refresh.
  if (parsed === null) return { ...NO_DIRECTIVES, noCache: true }
  return {
    noStore: parsed.has('no-store'),
    noCache: parsed.has('no-cache'),
    onlyIfCached: parsed.has('only-if-cached'),
    maxAge: deltaSeconds(parsed.get('max-age')),
    minFresh: deltaSeconds(parsed.get('min-fresh')),
    maxStale: parsed.get('max-stale') === null ? Infinity : deltaSeconds(parsed.get('max-stale')),
    staleIfError: deltaSeconds(parsed.get('stale-if-error')),
  }
}

function asksForRefresh(pragma: string | null): boolean {
  if (pragma === null) return false
  return pragma.length > MAX_FIELD_LENGTH || /(^|,)[ \t]*no-cache[ \t]*(,|$)/i.test(pragma)
}

/** @param cacheControl all `Cache-Control` lines of the answer joined with commas, or null */
export function responseDirectives(cacheControl: string | null): ResponseDirectives {
  const parsed =
    cacheControl === null ? new Map<string, string | null>() : parseDirectives(cacheControl)
  if (parsed === null) {
    return { ...NOTHING_DEMANDED, malformed: true }
  }
  return {
    noStore: parsed.has('no-store'),
    noCache: parsed.has('no-cache'),
    isPrivate: parsed.has('private'),
    lifetime: deltaSeconds(parsed.get('s-maxage')) ?? deltaSeconds(parsed.get('max-age')),
    mustRevalidate: ['must-revalidate', 'proxy-revalidate', 's-maxage'].some((name) =>
      parsed.has(name),
    ),
    staleIfError: deltaSeconds(parsed.get('stale-if-error')),
    staleWhileRevalidate: deltaSeconds(parsed.get('stale-while-revalidate')),
    malformed: false,
  }
}

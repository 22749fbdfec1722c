/**
 * Which CORS fields an answer has (Fetch, section 3.2.3): the API's own, or those of a rule that stands in their
 * place. Pure.
 */
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'

/** Who may read an answer. Few of them are made, and each is used often. */
export interface Readers {
  /**
   * - `api`: whom the API's answer names;
   * - `any`: every page;
   * - `one`: the page that asks;
   * - `none`: not the page that asks.
   */
  readonly rule: 'api' | 'any' | 'one' | 'none'
  /** What takes the place of the API's fields, names and values in turn; empty for `api` and `none`. */
  readonly list: readonly string[]
}

const ALLOW_ORIGIN = 'access-control-allow-origin'
const ALLOW_CREDENTIALS = 'access-control-allow-credentials'
const EXPOSE_HEADERS = 'access-control-expose-headers'
const EXPOSED = 'Age, ETag, Cache-Status, Server-Timing, Retry-After, X-Request-Id, X-Api-Version'

export const AS_THE_API_SAYS: Readers = readers('api', [])
export const EVERY_PAGE: Readers = readers('any', ['Access-Control-Allow-Origin', '*'])
export const NO_PAGE: Readers = readers('none', [])

/** @param origin as the page's browser names it */
export function onlyFor(origin: string, hasCredentials: boolean): Readers {
  const credentials = hasCredentials ? ['Access-Control-Allow-Credentials', 'true'] : []
  return readers('one', ['Access-Control-Allow-Origin', origin, ...credentials])
}

function readers(rule: Readers['rule'], list: readonly string[]): Readers {
  return { rule, list }
}

/** The one origin that the API's answer names, whoever asks; null: none, or all. */
export function originNamed(headers: HeaderList): string | null {
  const origin = joinedHeader(headers, ALLOW_ORIGIN)
  return origin === '*' ? null : origin
}

/**
 * The rule for an answer of the API's that was not made for the page that asks: one origin's answer is never
 * another's.
 *
 * @param named as `originNamed` has it
 * @param origin of the page; null: none asks
 */
export function readersOf(rule: Readers, named: string | null, origin: string | null): Readers {
  const isOthers = rule.rule === 'api' && named !== null && origin !== null && named !== origin
  // guard: origin-of-another
  return isOthers ? NO_PAGE : rule
}

/** Whether a field of the API's has no place in an answer under this rule. */
export function isReplacedBy({ rule }: Readers, name: string): boolean {
  if (name === EXPOSE_HEADERS) return true
  return rule !== 'api' && (name === ALLOW_ORIGIN || name === ALLOW_CREDENTIALS)
}

/** What scripts may see of the answer beside what they may see of any: the API's list, and Layby's. */
export function exposedHeaders({ rule }: Readers, headers: HeaderList): string[] {
  const isReadable = rule === 'api' ? joinedHeader(headers, ALLOW_ORIGIN) !== null : rule !== 'none'
  if (!isReadable) return []
  const upstream = joinedHeader(headers, EXPOSE_HEADERS)
  return ['Access-Control-Expose-Headers', upstream === null ? EXPOSED : `${upstream}, ${EXPOSED}`]
}

/** What an answer varies by under this rule, beside the rest. */
export function varyFor({ rule }: Readers): readonly string[] {
  return rule === 'one' || rule === 'none' ? ['Origin'] : []
}

/** All of it, for an answer that was made here. */
export function ownCorsFields(rule: Readers): string[] {
  const vary = varyFor(rule)
  return [
    ...rule.list,
    ...exposedHeaders(rule, []),
    ...(vary.length === 0 ? [] : ['Vary', vary.join(', ')]),
  ]
}

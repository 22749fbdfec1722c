/**
 * Conditions that go on to the API, in the API's own terms (RFC 9110 section 13.1): a tag that names a form of a
 * representation becomes that of the representation, and a tag that was minted here, which no resource of the API
 * has, is left out (docs/decisions/2026-11-30-conditions-with-minted-tags.md).
 */
import { isMinted } from '../cache/minted-tag.ts'
import { representationTag } from './entity-tags.ts'

const CONDITIONS: ReadonlySet<string> = new Set(['if-match', 'if-none-match', 'if-range'])
const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g
/** RFC 9110 section 5.6.1.2: empty members are allowed. */
const BETWEEN_TAGS = /^[ \t,]*$/

/**
 * A condition of which nothing is left is left out with its field, and a range with the condition that it depends on.
 *
 * @param headers names in lower case and values, in turn
 * @param isCached the target is a resource whose reads are cached: its tags were told with suffixes
 */
export function conditionsForApi(headers: readonly string[], isCached: boolean): readonly string[] {
  if (!headers.some((name, i) => i % 2 === 0 && CONDITIONS.has(name))) return headers
  const translated: string[] = []
  let isRangeLost = false
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    const known = CONDITIONS.has(name) ? tagsForApi(value, isCached) : value
    if (known !== null) translated.push(name, known)
    else if (name === 'if-range') isRangeLost = true
  }
  return isRangeLost ? withoutRange(translated) : translated
}

function withoutRange(headers: readonly string[]): readonly string[] {
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'range')
}

/**
 * @param ifMatch all lines of `If-Match`, joined with commas
 * @returns whether the condition can't hold: it names only tags that the API has not given
 */
export function canNotMatch(ifMatch: string): boolean {
  return tagsForApi(ifMatch, true) === null
}

/**
 * Null: it names only tags that were minted here, or one beside something that is no tag.
 *
 * @param field `*`, a list of tags, a date, or whatever a client has sent
 */
function tagsForApi(field: string, isCached: boolean): string | null {
  const tags = field.match(TAG) ?? []
  const own = tags.filter((tag) => !isMinted(strong(representationTag(tag))))
  if (own.length < tags.length) {
    const isList = BETWEEN_TAGS.test(field.replace(TAG, ''))
    return isList && own.length > 0 ? own.map((tag) => named(tag, isCached)).join(', ') : null
  }
  return isCached ? field.replace(TAG, representationTag) : field
}

function named(tag: string, isCached: boolean): string {
  return isCached ? representationTag(tag) : tag
}

function strong(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/**
 * Which headers of an answer belong to the representation, and its digest. What is not named here is of one exchange
 * (a request id, what is left of a rate limit): it is neither kept nor digested nor replayed, and two answers that
 * differ only there are the same bytes (docs/decisions/2026-11-30-kept-headers.md).
 *
 * A digest begins with a mark of the rule that made it. One that was made by another rule says nothing: taken for
 * a change, each copy would be overtaken as soon as two instances keep different headers.
 */
import { createHash } from 'node:crypto'
import { EXCHANGE_HEADERS, REPRESENTATION_HEADERS } from '../lib/answer-headers.ts'
import { isEntityTag } from './entity-tag.ts'
import { keptDirectives } from './kept-directives.ts'
import type { HeaderList } from './records.ts'
import { joinedHeader } from './representation.ts'

/** To be counted up with every change of what is kept or of how it is digested. */
const VERSION = 2
const MARK_LENGTH = 4

/** Of no use beside JSON, and some have a nonce in each answer. */
const NOT_OF_CONTENT: ReadonlySet<string> = new Set([
  'content-security-policy',
  'content-security-policy-report-only',
])

export class DigestRule {
  readonly #kept: ReadonlySet<string>
  readonly #mark: string

  /** @param keepHeaders kept beside those of the list, in any case */
  constructor(keepHeaders: readonly string[]) {
    const more = keepHeaders.map((name) => name.toLowerCase())
    this.#kept = new Set<string>([...REPRESENTATION_HEADERS, ...more])
    const text = [VERSION, ...new Set(more)].sort().join('\n')
    const hash = createHash('sha256').update(text).digest('base64url')
    this.#mark = `${hash.slice(0, MARK_LENGTH)}.`
  }

  /**
   * The headers that are stored and replayed, in the order they came. A tag that is none counts as absent. Of
   * `Cache-Control` what is about the bytes stays, and comes last.
   */
  keptHeaders(headers: HeaderList): HeaderList {
    const hasTag = isEntityTag(joinedHeader(headers, 'etag') ?? '')
    // guard: entity-tag-form
    const kept = headers.filter(([name]) => this.#keeps(name) && (hasTag || name !== 'etag'))
    const control = keptDirectives(joinedHeader(headers, 'cache-control') ?? '')
    return control === null ? kept : [...kept, ['cache-control', control]]
  }

  /** SHA-256 over status, kept headers and body, each length-prefixed; the mark of the rule comes first. */
  digestOf(status: number, kept: HeaderList, body: Buffer): string {
    const hash = createHash('sha256')
    hash.update(`${status};${kept.length};`)
    for (const [name, value] of kept) hash.update(`${name.length}:${name}${value.length}:${value}`)
    hash.update(`${body.length}:`)
    return this.#mark + hash.update(body).digest('base64url')
  }

  /** Whether a digest was made by this rule. */
  isOwn(digest: string): boolean {
    return digest.startsWith(this.#mark)
  }

  #keeps(name: string): boolean {
    // guard: kept-headers
    if (this.#kept.has(name)) return true
    const isOfContent = name.startsWith('content-') && !NOT_OF_CONTENT.has(name)
    return isOfContent && !EXCHANGE_HEADERS.has(name)
  }
}

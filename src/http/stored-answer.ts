/**
 * From a representation to the answer that is made of it (RFC 9111 section 4). What is the same for all who are
 * answered with one form of it is put together once.
 */
import type { Outcome } from '../cache/outcome.ts'
import type { HeaderList, Representation } from '../cache/records.ts'
import { forbidsTransform, joinedHeader, NO_TRANSFORM } from '../cache/representation.ts'
import { ownLatin1 } from '../lib/own-bytes.ts'
import { type HeaderBlock, hasName, statusLine, type WireAnswer } from './answer.ts'
import { CLIENT_MAY_REVALIDATE, exposedHeaders, VIA, varyOf } from './client-fields.ts'
import { noneMatchFails } from './conditional.ts'
import { type Coding, chooseCoding } from './encoding.ts'
import { formTag } from './entity-tags.ts'
import { bodyIn, codingFor } from './forms.ts'
import { linesOf, Telling } from './told.ts'
import type { RequestHead } from './validate.ts'

const NOT_MODIFIED = { status: 304, reason: 'Not Modified' } as const

/** What is the same for every answer made of one form of a representation, and what was last told with it. */
interface Form {
  readonly tag: string
  readonly body: Buffer
  readonly full: HeaderBlock
  readonly notModified: HeaderBlock
  readonly telling: Telling
}

/** The forms of one representation. */
interface Forms {
  /** The API forbids to change the content (RFC 9110 section 7.7). */
  readonly isFixed: boolean
  readonly byCoding: Map<Coding | null, Form>
}

/** Each form is made on first use, and gone with the representation. */
const known = new WeakMap<Representation, Forms>()

export function representationAnswer(
  representation: Representation,
  told: Outcome,
  head: RequestHead,
): WireAnswer {
  const { tag, body, full, notModified, telling } = formFor(representation, head)
  const { requestId, ifNoneMatch } = head
  const lines = telling.linesFor(told)
  if (ifNoneMatch !== null && noneMatchFails(ifNoneMatch, tag)) {
    const { status, reason } = NOT_MODIFIED
    return { status, reason, head: { block: notModified, requestId, told: lines }, body: null }
  }
  const { status, reason } = representation
  return { status, reason, head: { block: full, requestId, told: lines }, body }
}

function formFor(representation: Representation, head: RequestHead): Form {
  let forms = known.get(representation)
  if (forms === undefined) {
    forms = { isFixed: isFixed(representation.headers), byCoding: new Map() }
    known.set(representation, forms)
  }
  const wanted = forms.isFixed ? null : codingWanted(head)
  const coding = codingFor(representation, wanted)
  const made = forms.byCoding.get(coding)
  if (made !== undefined) return made
  const form = makeForm(representation, coding)
  forms.byCoding.set(coding, form)
  return form
}

function isFixed(headers: HeaderList): boolean {
  const control = joinedHeader(headers, 'cache-control')
  // guard: no-transform
  return control !== null && forbidsTransform(control)
}

/** A client may forbid to change the content as well (RFC 9111 section 5.2.1.6). */
function codingWanted({ acceptEncoding, cacheControl }: RequestHead): Coding | null {
  // guard: no-transform-asked
  if (cacheControl !== null && forbidsTransform(cacheControl)) return null
  return chooseCoding(acceptEncoding)
}

function makeForm(representation: Representation, coding: Coding | null): Form {
  const { status, reason, headers, date, version, etag } = representation
  const tag = formTag(etag, coding)
  const body = bodyIn(representation, coding)
  const shared = [
    'ETag',
    tag,
    'Cache-Control',
    isFixed(headers) ? `${CLIENT_MAY_REVALIDATE}, ${NO_TRANSFORM}` : CLIENT_MAY_REVALIDATE,
    'CDN-Cache-Control',
    'no-store',
    'Vary',
    varyOf(headers),
    'Via',
    VIA,
    ...(date === null ? [] : ['Date', date]),
    ...exposedHeaders(headers),
  ]
  const replayed = headers.filter(([name]) => isReplayed(name, coding))
  return {
    tag,
    body,
    full: blockOf(status, reason, [
      ...replayed.flat(),
      ...(coding === null ? [] : ['Content-Encoding', coding]),
      'Content-Length',
      String(body.length),
      ...shared,
    ]),
    notModified: blockOf(NOT_MODIFIED.status, NOT_MODIFIED.reason, [
      'x-api-version',
      version,
      ...replayed.filter(([name]) => isRepeated(name)).flat(),
      ...shared,
    ]),
    telling: new Telling(),
  }
}

function blockOf(status: number, reason: string, list: readonly string[]): HeaderBlock {
  const text = `${statusLine(status, reason)}${linesOf(list)}X-Request-Id: `
  return { list, start: ownLatin1(text), hasDate: hasName(list, 'Date') }
}

/** Kept headers that are written from a rule of their own. */
const REPLACED: ReadonlySet<string> = new Set([
  'access-control-expose-headers',
  'cache-control',
  'etag',
  'vary',
])

/**
 * Of the content as the API sent it (RFC 9530, RFC 3230, RFC 1864), and signatures (RFC 9421), which may cover them:
 * wrong beside another coding.
 */
const OF_PLAIN_CONTENT: ReadonlySet<string> = new Set([
  'content-digest',
  'content-md5',
  'digest',
  'repr-digest',
  'signature',
  'signature-input',
])

function isReplayed(name: string, coding: Coding | null): boolean {
  if (REPLACED.has(name)) return false
  // guard: plain-digests
  return coding === null || !OF_PLAIN_CONTENT.has(name)
}

/** Beside those that every answer has: RFC 9110 section 15.4.5, and what Fetch looks at before a script may read it. */
function isRepeated(name: string): boolean {
  return name.startsWith('access-control-') || REPEATED.has(name)
}

const REPEATED: ReadonlySet<string> = new Set([
  'content-location',
  'cross-origin-resource-policy',
  'timing-allow-origin',
])

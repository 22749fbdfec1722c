/**
 * From a representation to the answer that is made of it (RFC 9111 section 4). What is the same for all who are
 * answered with one form of it is put together once.
 */
import { clientStaleSeconds, forbidsTransform, NO_TRANSFORM } from '../cache/kept-directives.ts'
import type { HeaderList, Representation } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'
import type { Hit } from '../cache/served.ts'
import { ownLatin1 } from '../lib/own-bytes.ts'
import { type HeaderBlock, hasName, statusLine, type WireAnswer } from './answer.ts'
import { VIA, varyOf } from './client-fields.ts'
import {
  CLIENT_MAY_REVALIDATE,
  type ClientLifetimes,
  clientControl,
  hasNoLifetime,
} from './client-lifetime.ts'
import { noneMatchFails } from './conditional.ts'
import {
  exposedHeaders,
  isReplacedBy,
  originNamed,
  type Readers,
  readersOf,
} from './cors-fields.ts'
import { type Coding, chooseCoding } from './encoding.ts'
import { formTag } from './entity-tags.ts'
import { bodyIn, codingFor } from './forms.ts'
import { linesOf } from './lines.ts'
import { timingFields } from './server-timing.ts'
import { type Control, Telling, type ToldLines } from './told.ts'
import type { RequestHead } from './validate.ts'

const NOT_MODIFIED = { status: 304, reason: 'Not Modified' } as const

/** What is the same for every answer made of one form of a representation, and what was last told with it. */
interface Form {
  readonly tag: string
  readonly coding: Coding | null
  readonly body: Buffer
  /** By who may read it; made on first use. */
  readonly heads: Partial<Record<Readers['rule'], Heads>>
  readonly telling: Telling
}

interface Heads {
  readonly full: HeaderBlock
  readonly notModified: HeaderBlock
}

/** The forms of one representation. */
interface Forms {
  /** The API forbids to change the content (RFC 9110 section 7.7). */
  readonly isFixed: boolean
  /** See `originNamed`. */
  readonly origin: string | null
  /** Null: the blocks have it. */
  readonly control: Control | null
  readonly byCoding: Map<Coding | null, Form>
}

export class StoredAnswers {
  readonly #lifetimes: ClientLifetimes
  /** Each form is made on first use, and gone with the representation. */
  readonly #known = new WeakMap<Representation, Forms>()

  constructor(lifetimes: ClientLifetimes) {
    this.#lifetimes = lifetimes
  }

  of(
    { representation, outcome: told, received }: Hit,
    head: RequestHead,
    rule: Readers,
    timing: string | null,
  ): WireAnswer {
    const forms = this.#formsOf(representation)
    const form = formFor(representation, forms, head)
    const { requestId, ifNoneMatch, origin } = head
    const readers = readersOf(rule, forms.origin, origin)
    const { full, notModified } =
      form.heads[readers.rule] ?? makeHeads(representation, forms, form, readers)
    const same = form.telling.linesFor(told, readers, received)
    const lines = withFields(same, timed(received, timing))
    if (ifNoneMatch !== null && noneMatchFails(ifNoneMatch, form.tag)) {
      const { status, reason } = NOT_MODIFIED
      return { status, reason, head: { block: notModified, requestId, told: lines }, body: null }
    }
    const { status, reason } = representation
    return { status, reason, head: { block: full, requestId, told: lines }, body: form.body }
  }

  #formsOf(representation: Representation): Forms {
    const known = this.#known.get(representation)
    if (known !== undefined) return known
    const { headers } = representation
    const forms = {
      isFixed: isFixed(headers),
      origin: originNamed(headers),
      control: this.#controlFor(headers),
      byCoding: new Map<Coding | null, Form>(),
    }
    this.#known.set(representation, forms)
    return forms
  }

  /** Where clients get no lifetime, `Cache-Control` is the same for all and stands in the blocks. */
  #controlFor(headers: HeaderList): Control | null {
    const lifetimes = this.#lifetimes
    if (hasNoLifetime(lifetimes)) return null
    const allowedStale = clientStaleSeconds(joinedHeader(headers, 'cache-control'))
    const suffix = isFixed(headers) ? `, ${NO_TRANSFORM}` : ''
    return (told) => clientControl(lifetimes, allowedStale, told) + suffix
  }
}

const NO_FIELDS: readonly string[] = []

/** On the way of every hit: mostly there is nothing. */
function timed(received: HeaderList | null, timing: string | null): readonly string[] {
  return received === null && timing === null ? NO_FIELDS : timingFields(received ?? [], timing)
}

function withFields(lines: ToldLines, fields: readonly string[]): ToldLines {
  if (fields.length === 0) return lines
  return { list: [...lines.list, ...fields], text: lines.text + linesOf(fields) }
}

function formFor(representation: Representation, forms: Forms, head: RequestHead): Form {
  const wanted = forms.isFixed ? null : codingWanted(head)
  const coding = codingFor(representation, wanted)
  const made = forms.byCoding.get(coding)
  if (made !== undefined) return made
  const tag = formTag(representation.etag, coding)
  const body = bodyIn(representation, coding)
  const form = { tag, coding, body, heads: {}, telling: new Telling(forms.control) }
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

function makeHeads(
  representation: Representation,
  forms: Forms,
  form: Form,
  readers: Readers,
): Heads {
  const { status, reason, headers, date, version } = representation
  const { tag, coding, body } = form
  const shared = [
    'ETag',
    tag,
    ...(forms.control === null ? sameControl(forms.isFixed) : []),
    'CDN-Cache-Control',
    'no-store',
    'Vary',
    varyOf(headers, readers),
    'Via',
    VIA,
    ...(date === null ? [] : ['Date', date]),
    ...exposedHeaders(readers, headers),
  ]
  const replayed = headers.filter(
    ([name]) => isReplayed(name, coding) && !isReplacedBy(readers, name),
  )
  const heads = {
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
  }
  form.heads[readers.rule] = heads
  return heads
}

function sameControl(isFixed: boolean): string[] {
  const control = isFixed ? `${CLIENT_MAY_REVALIDATE}, ${NO_TRANSFORM}` : CLIENT_MAY_REVALIDATE
  return ['Cache-Control', control]
}

function blockOf(status: number, reason: string, list: readonly string[]): HeaderBlock {
  const text = `${statusLine(status, reason)}${linesOf(list)}X-Request-Id: `
  return { list, start: ownLatin1(text), hasDate: hasName(list, 'Date') }
}

/** Kept headers that are written from a rule of their own. */
const REPLACED: ReadonlySet<string> = new Set(['cache-control', 'etag', 'vary'])

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

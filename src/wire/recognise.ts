/**
 * What the wire front end takes on: a head that both the strict grammar and the validator accept.
 *
 * A client says the same with every request but for the path, the request id and the trace. So the last header
 * block of a connection is remembered, and one with the same bytes is not read and judged again: what follows
 * from equal bytes is equal. The values that vary are left out of the comparison, and looked at each time.
 */
import { isUuid } from '../contract/headers.ts'
import { collectFields, type Fields } from '../http/fields.ts'
import {
  type RawRequest,
  type RequestHead,
  type RequestLine,
  validateFields,
} from '../http/validate.ts'
import {
  EMPTY_LINE,
  MAX_HEAD_BYTES,
  rawHeadersOf,
  readBeginning,
  readHead,
  readLine,
} from './head.ts'

export type Recognised =
  | {
      readonly kind: 'request'
      readonly raw: RawRequest
      readonly head: RequestHead
      /** Where the next request begins. */
      readonly end: number
    }
  | { readonly kind: 'incomplete' | 'other' }

/** An accepted head. Its texts are parts of what was received with it, and keep that in memory. */
interface Remembered {
  readonly line: RequestLine
  readonly head: RequestHead
  readonly fields: Fields
  /** The request line with its line end, and the header block up to where a value varies. */
  readonly opening: string
  /** The header block, the empty line included, cut where values vary. */
  readonly parts: readonly string[]
  /** What stands between two parts. */
  readonly holes: readonly Hole[]
}

/** A header field whose value is another in each request. Its length is fixed, and its values can't be more than values. */
interface Hole {
  readonly field: 'requestId' | 'traceparent'
  readonly length: number
  readonly line: RegExp
  readonly value: RegExp
}

/** `x-request-id` with a UUID, and `traceparent` of version 00 (W3C Trace Context, section 3.2). */
const HOLES: readonly Hole[] = [
  {
    field: 'requestId',
    length: 36,
    line: /(?:^|\n)x-request-id:[\t ]*/i,
    value: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  },
  {
    field: 'traceparent',
    length: 55,
    line: /(?:^|\n)traceparent:[\t ]*/i,
    value: /^[0-9a-f-]{55}$/,
  },
]

const OTHER: Recognised = { kind: 'other' }
/** What came in one piece with more than that is not worth keeping for one head of it. */
const MAX_HELD_LENGTH = 2 * MAX_HEAD_BYTES

/** One for each connection. */
export class Recogniser {
  readonly #newRequestId: () => string
  #last: Remembered | null = null
  /** Of a head that is not all there: so much of it has been searched for its end. */
  #searched = 0

  /** @param newRequestId gives a fresh UUID, when the client sent no valid one */
  constructor(newRequestId: () => string) {
    this.#newRequestId = newRequestId
  }

  /** @param text what the client has sent, one character a byte; the request is looked for at `from` */
  recognise(text: string, from: number): Recognised {
    // What comes byte by byte is searched once, and not anew with each byte.
    if (this.#searched > 0 && !this.#isComplete(text, from)) return readBeginning(text, from)
    const last = this.#last
    const found = (last === null ? null : this.#again(last, text, from)) ?? this.#anew(text, from)
    if (found.kind === 'incomplete') this.#searched = text.length - from
    return found
  }

  /** Of a head that was not all there when it was last looked at. */
  #isComplete(text: string, from: number): boolean {
    const at = from + this.#searched - EMPTY_LINE.length + 1
    const isComplete = text.includes(EMPTY_LINE, Math.max(from, at))
    this.#searched = isComplete ? 0 : text.length - from
    return isComplete
  }

  /** Null: the header block is not the same again, or is not all there. */
  #again(last: Remembered, text: string, from: number): Recognised | null {
    const { opening, parts, line: lastLine, fields } = last
    const start = parts[0] as string
    // Nearly always both at once: each comparison has its price, whatever the length.
    const isSameLine = stands(opening, text, from)
    const blockAt = isSameLine ? from + opening.length - start.length : text.indexOf('\n', from) + 1
    if (!isSameLine && (blockAt === 0 || !stands(start, text, blockAt))) return null
    const varying: Varying = { requestId: null, traceparent: fields.traceparent }
    const end = endOf(last, text, blockAt + start.length, varying)
    if (end === -1) return null
    if (end - from > MAX_HEAD_BYTES) return OTHER
    const { traceparent } = varying
    const requestId = varying.requestId ?? this.#newRequestId()
    const line = isSameLine ? lastLine : readLine(text, from)
    if (line === null) return null
    const raw = new KnownRequest(line, text, blockAt, end)
    if (isSameLine) {
      return { kind: 'request', raw, head: { ...last.head, requestId, traceparent }, end }
    }
    return this.#accept({
      raw,
      fields: { ...fields, traceparent },
      requestId,
      text,
      from,
      blockAt,
      end,
    })
  }

  #anew(text: string, from: number): Recognised {
    const read = readHead(text, from)
    if (read.kind !== 'head') return read
    const { raw, end } = read
    const fields = collectFields(raw.rawHeaders)
    const isOwn = fields.requestId !== null && isUuid(fields.requestId)
    const requestId = isOwn ? (fields.requestId as string) : this.#newRequestId()
    const blockAt = text.indexOf('\n', from) + 1
    return this.#accept({ raw, fields, requestId, text, from, blockAt, end })
  }

  #accept(found: Found): Recognised {
    const { raw, fields, requestId, end } = found
    // There is no content, so no limit on it.
    const checked = validateFields(raw, fields, requestId, 0)
    if (checked.kind === 'refused') return OTHER
    this.#last = remembered(found, checked.head)
    return { kind: 'request', raw, head: checked.head, end }
  }
}

/** Whether `part` is what `text` has at `at`. Four times as fast as `startsWith`, which goes one by one. */
function stands(part: string, text: string, at: number): boolean {
  return text.slice(at, at + part.length) === part
}

/** A head that was read, and where it stands. */
interface Found {
  readonly raw: RawRequest
  readonly fields: Fields
  readonly requestId: string
  readonly text: string
  readonly from: number
  /** Where the header block begins. */
  readonly blockAt: number
  readonly end: number
}

type Varying = Record<Hole['field'], string | null>

/** Where the block ends whose first part ends at `at`, if the rest is as remembered, its values put into `varying`; else -1. */
function endOf({ parts, holes }: Remembered, text: string, at: number, varying: Varying): number {
  let end = at
  for (let i = 0; i < holes.length; i++) {
    const { field, length, value: pattern } = holes[i] as Hole
    const value = text.slice(end, end + length)
    if (!pattern.test(value)) return -1
    varying[field] = value
    end += length
    const part = parts[i + 1] as string
    if (!stands(part, text, end)) return -1
    end += part.length
  }
  return end
}

/** Null: it can't be told where its request id stands, or it is not worth it. */
function remembered(found: Found, head: RequestHead): Remembered | null {
  const { raw, fields, text, from, blockAt, end } = found
  if (text.length > MAX_HELD_LENGTH) return null
  if (fields.requestId !== null && !isUuid(fields.requestId)) return null
  const { method, url, httpVersion } = raw
  const line = { method, url, httpVersion }
  const { parts, holes } = cut(text.slice(blockAt, end), fields)
  const opening = text.slice(from, blockAt + (parts[0] as string).length)
  return { line, head, fields, opening, parts, holes }
}

/** @param found that it was found is known: its value is among the fields */
function endOfMatch(found: RegExpExecArray | null): number {
  return found === null ? 0 : found.index + found[0].length
}

function cut(block: string, fields: Fields): Pick<Remembered, 'parts' | 'holes'> {
  const places = HOLES.filter(({ field, value }) => value.test(fields[field] ?? ''))
    .map((hole) => ({ hole, at: endOfMatch(hole.line.exec(block)) }))
    .sort((a, b) => a.at - b.at)
  const parts: string[] = []
  let from = 0
  for (const { hole, at } of places) {
    parts.push(block.slice(from, at))
    from = at + hole.length
  }
  return { parts: [...parts, block.slice(from)], holes: places.map(({ hole }) => hole) }
}

/** A request whose header lines are read only if somebody asks for them. */
class KnownRequest implements RawRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly #text: string
  readonly #from: number
  readonly #end: number

  constructor({ method, url, httpVersion }: RequestLine, text: string, from: number, end: number) {
    this.method = method
    this.url = url
    this.httpVersion = httpVersion
    this.#text = text
    this.#from = from
    this.#end = end
  }

  get rawHeaders(): readonly string[] {
    // Without the empty line.
    return rawHeadersOf(this.#text.slice(this.#from, this.#end - 2))
  }
}

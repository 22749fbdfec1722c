/**
 * What the wire front end takes on: a head that both the strict grammar and the validator accept.
 *
 * A client says the same with every request but for the path and the request id. So the last header block of
 * a connection is remembered, and one with the same bytes is not read and judged again: what follows from
 * equal bytes is equal. The request id is left out of the comparison, and judged each time.
 */
import { isUuid } from '../contract/headers.ts'
import { collectFields, type Fields } from '../http/fields.ts'
import {
  type RawRequest,
  type RequestHead,
  type RequestLine,
  validateFields,
} from '../http/validate.ts'
import { MAX_HEAD_BYTES, rawHeadersOf, readHead, readLine } from './head.ts'

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
  /** The request line with its line end. */
  readonly lineText: string
  /** The header block up to the value of the request id; all of it, if there is none. */
  readonly before: string
  /** What follows that value, the empty line included; null: there is no request id. */
  readonly after: string | null
}

const OTHER: Recognised = { kind: 'other' }
/** What came in one piece with more than that is not worth keeping for one head of it. */
const MAX_HELD_LENGTH = 2 * MAX_HEAD_BYTES
const UUID_LENGTH = 36
const REQUEST_ID_LINE = /(?:^|\n)x-request-id:[\t ]*/i

/** One for each connection. */
export class Recogniser {
  readonly #newRequestId: () => string
  #last: Remembered | null = null

  /** @param newRequestId gives a fresh UUID, when the client sent no valid one */
  constructor(newRequestId: () => string) {
    this.#newRequestId = newRequestId
  }

  /** @param text what the client has sent, one character a byte; the request is looked for at `from` */
  recognise(text: string, from: number): Recognised {
    const last = this.#last
    return (last === null ? null : this.#again(last, text, from)) ?? this.#anew(text, from)
  }

  /** Null: the header block is not the same again, or is not all there. */
  #again(last: Remembered, text: string, from: number): Recognised | null {
    const { lineText, before, after } = last
    const isSameLine = text.startsWith(lineText, from)
    const blockAt = isSameLine ? from + lineText.length : text.indexOf('\n', from) + 1
    if (blockAt === 0 || !text.startsWith(before, blockAt)) return null
    const idAt = blockAt + before.length
    let end = idAt
    let requestId: string | null = null
    if (after !== null) {
      requestId = text.slice(idAt, idAt + UUID_LENGTH)
      end += UUID_LENGTH + after.length
      if (!text.startsWith(after, idAt + UUID_LENGTH) || !isUuid(requestId)) return null
    }
    if (end - from > MAX_HEAD_BYTES) return OTHER
    requestId ??= this.#newRequestId()
    if (isSameLine) {
      const raw = new KnownRequest(last.line, text, blockAt, end)
      return { kind: 'request', raw, head: { ...last.head, requestId }, end }
    }
    const line = readLine(text, from)
    if (line === null) return null
    const raw = new KnownRequest(line, text, blockAt, end)
    return this.#accept({ raw, fields: last.fields, requestId, text, from, blockAt, end })
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

/** Null: it can't be told where its request id stands. */
function remembered(found: Found, head: RequestHead): Remembered | null {
  const { raw, fields, text, from, blockAt, end } = found
  if (text.length > MAX_HELD_LENGTH) return null
  const { method, url, httpVersion } = raw
  const known = {
    line: { method, url, httpVersion },
    head,
    fields,
    lineText: text.slice(from, blockAt),
  }
  const block = text.slice(blockAt, end)
  if (fields.requestId === null) return { ...known, before: block, after: null }
  const name = REQUEST_ID_LINE.exec(block)
  if (name === null || fields.requestId.length !== UUID_LENGTH) return null
  const idAt = name.index + name[0].length
  return { ...known, before: block.slice(0, idAt), after: block.slice(idAt + UUID_LENGTH) }
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

/**
 * Recognises the head of a request that has nothing doubtful about it. A subset of RFC 9112:
 *
 * ```
 *   head         = method SP target SP "HTTP/1.1" CRLF *( name ":" value CRLF ) CRLF
 *   method       = 1*32tchar
 *   target       = "/" *( %x21-7E )                  origin form
 *   name         = 1*tchar
 *   value        = *( HTAB / %x20-7E )               outer white space is not part of it
 * ```
 *
 * without content, and with nothing that changes the connection: no `Content-Length`, no
 * `Transfer-Encoding`, no `Expect`, no `Upgrade`, no connection option but `keep-alive`, at most 8 kB.
 * What is none of this is not judged here: Node's parser gets it, byte for byte. Whether the request is a
 * valid one is the validator's business. Pure.
 */
import type { RawRequest, RequestLine } from '../http/validate.ts'
import { trimmedSlice } from '../lib/ows.ts'

export type HeadRead =
  | {
      readonly kind: 'head'
      readonly raw: RawRequest
      /** Where the next request begins. */
      readonly end: number
    }
  /** May become one with more bytes. */
  | { readonly kind: 'incomplete' }
  /** For Node's parser. */
  | { readonly kind: 'other' }

export const MAX_HEAD_BYTES = 8_192

const INCOMPLETE = { kind: 'incomplete' } as const satisfies HeadRead
const OTHER = { kind: 'other' } as const satisfies HeadRead

const HEAD =
  /(GET|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (\/[!-~]*) HTTP\/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)*)\r\n/y
const LINE = /(GET|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (\/[!-~]*) HTTP\/1\.1\r\n/y
const DOUBTFUL =
  /^(?:(?:content-length|expect|proxy-connection|transfer-encoding|upgrade):|connection:(?![\t ]*keep-alive[\t ]*$))/im
/** Ends the line before it, and the head. */
export const EMPTY_LINE = '\r\n\r\n'
/** Of a request line: all that is there of it, or as far as the target. */
const BEGINNING = /[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: (?:\/|$)|$)/y

/** @param text what the client has sent, one character a byte; the head is looked for at `from` */
export function readHead(text: string, from: number): HeadRead {
  // One that comes in small pieces is read once, when it is all there, and not anew with each piece.
  const empty = text.indexOf(EMPTY_LINE, from)
  if (empty === -1) return readBeginning(text, from)
  if (empty + EMPTY_LINE.length - from > MAX_HEAD_BYTES) return OTHER
  HEAD.lastIndex = from
  const found = HEAD.exec(text)
  if (found === null) return OTHER
  const [whole, method, url, lines] = found as unknown as [string, string, string, string]
  // guard: strict-grammar
  if (DOUBTFUL.test(lines)) return OTHER
  const raw = { method, url, httpVersion: '1.1', rawHeaders: rawHeadersOf(lines) }
  return { kind: 'head', raw, end: from + whole.length }
}

/** The request line of a head alone; null: it is none by this grammar. */
export function readLine(text: string, from: number): RequestLine | null {
  LINE.lastIndex = from
  const found = LINE.exec(text)
  if (found === null) return null
  const [, method, url] = found as unknown as [string, string, string]
  return { method, url, httpVersion: '1.1' }
}

/** Of a text that has no empty line from `from` on. */
export function readBeginning(text: string, from: number): Exclude<HeadRead, { kind: 'head' }> {
  if (text.length - from > MAX_HEAD_BYTES) return OTHER
  BEGINNING.lastIndex = from
  return BEGINNING.test(text) ? INCOMPLETE : OTHER
}

/** Names and values in turn, as Node gives them: values without outer white space. */
export function rawHeadersOf(lines: string): string[] {
  const raw: string[] = []
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r', colon)
    raw.push(lines.slice(at, colon), trimmedSlice(lines, colon + 1, end))
    at = end + 2
  }
  return raw
}

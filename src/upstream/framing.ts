/**
 * How the end of an answer's body is found (RFC 9112 section 6.3), by method, status and the head as undici has it:
 * names in lower case, values one character a byte.
 */

export type Framing =
  /** There is no body, whatever the head says of one. */
  | 'none'
  | 'length'
  | 'chunks'
  /** Neither a length nor chunks: the end of the connection is the end of the body. */
  | 'close'
  /** A transfer coding other than `chunked`, or more than one. Its bytes are not those of the representation. */
  | 'coded'

export type AnswerFields = Readonly<Record<string, string | string[] | undefined>>

export function framingOf(method: string, status: number, fields: AnswerFields): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return 'none'
  const codings = fields['transfer-encoding']
  // guard: transfer-codings
  if (codings !== undefined && !isChunked(codings)) return 'coded'
  if (codings !== undefined) return 'chunks'
  return fields['content-length'] === undefined ? 'close' : 'length'
}

function isChunked(codings: string | string[]): boolean {
  return typeof codings === 'string' && codings.trim().toLowerCase() === 'chunked'
}

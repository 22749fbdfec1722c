/**
 * What the wire front end takes on: a head that both the strict grammar and the validator accept. Pure, but
 * for the ids that the validator makes up.
 */
import { type RawRequest, type RequestHead, validate } from '../http/validate.ts'
import { readHead } from './head.ts'

export type Recognised =
  | {
      readonly kind: 'request'
      readonly raw: RawRequest
      readonly head: RequestHead
      /** Where the next request begins. */
      readonly end: number
    }
  | { readonly kind: 'incomplete' | 'other' }

const OTHER: Recognised = { kind: 'other' }

/**
 * @param text what the client has sent, one character a byte; the request is looked for at `from`
 * @param newRequestId as for `validate`
 */
export function recognise(text: string, from: number, newRequestId: () => string): Recognised {
  const read = readHead(text, from)
  if (read.kind !== 'head') return read
  // There is no content, so no limit on it.
  const checked = validate(read.raw, newRequestId, 0)
  if (checked.kind === 'refused') return OTHER
  return { kind: 'request', raw: read.raw, head: checked.head, end: read.end }
}

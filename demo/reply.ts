import type { Json } from './json.ts'
import { quote, serialize } from './json.ts'

/** What an operation answers, without the headers that go round it. */
export interface Reply {
  readonly status: number
  readonly reason: string
  readonly body: Buffer
}

/** A 200 with a ready body. */
export function reply(body: Buffer): Reply {
  return { status: 200, reason: 'OK', body }
}

/** A 200 with a record, in wire form. Writes answer 200 too, whatever their method. */
export function done(record: Json): Reply {
  return reply(Buffer.from(serialize(record)))
}

const EXPLANATIONS: Readonly<Record<number, string>> = {
  400: 'The request was rejected.',
  401: 'The request carries no valid access token.',
  403: 'The user is not allowed to do this.',
  404: 'There is no such record.',
  405: 'This resource does not know the method.',
  409: 'The request does not fit the present state of the record.',
  413: 'The request body is too large.',
}

/** What is at fault (`Model.field`) and why. */
export interface Fault {
  readonly status: number
  readonly field: string
  readonly detail: string
  readonly explanation?: string
}

/**
 * An error in the form of contract section 7. The reason phrase carries the message; field names
 * come from clients, so it is reduced to printable ASCII (Node throws on anything else).
 */
export function refuse({ status, field, detail, explanation }: Fault): Reply {
  const why = explanation ?? EXPLANATIONS[status] ?? 'The request failed.'
  const body = `{"field": ${quote(field)}, "detail": ${quote(detail)}, "explanation": ${quote(why)}}`
  const reason = `${field}: ${detail}`.replace(/[^ -~]/g, '?').slice(0, 200)
  return { status, reason, body: Buffer.from(body) }
}

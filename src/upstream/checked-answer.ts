/** What of an answer goes on: nothing, where it is not one that HTTP allows for the request. */
import type { Readable } from 'node:stream'
import type { HeaderList } from '../cache/records.ts'
import type { Received } from './call.ts'
import { endToEndHeaders } from './headers.ts'
import type { Locations } from './locations.ts'

export interface CheckedAnswer {
  readonly status: number
  readonly reason: string
  /** End to end. */
  readonly headers: HeaderList
  readonly body: Buffer | Readable
  readonly isProven: boolean
}

/** The request, as it was sent. */
export interface SentRequest {
  readonly method: string
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[]
}

const NO_BODY: Buffer = Buffer.alloc(0)
const NOT_ASCII = /[^\x20-\x7e]/

/** @returns null: it is no answer to the request, and its body is given up */
export function checkedAnswer(
  received: Received,
  sent: SentRequest,
  locations: Locations,
): CheckedAnswer | null {
  const { status, isProven } = received
  const headers = checkedHeaders(received)
  // guard: unasked-answer
  if (headers === null || isUnasked(status, sent)) {
    giveUp(received)
    return null
  }
  const isReset = status === 205
  if (isReset) giveUp(received)
  return {
    status,
    reason: reasonOf(received),
    headers: locations.rewritten(withoutForbidden(status, headers)),
    body: isReset ? NO_BODY : received.body,
    isProven,
  }
}

function checkedHeaders({ status, headers }: Received): HeaderList | null {
  if (status < 200 || status > 599) return null
  return endToEndHeaders(headers)
}

/** Whether the status answers a condition or a range that was not sent (RFC 9110 sections 15.4.5 and 15.3.7). */
export function isUnasked(status: number, { method, headers }: SentRequest): boolean {
  if (status === 206) return !hasAny(headers, ['range'])
  if (status !== 304) return false
  const isRead = method === 'GET' || method === 'HEAD'
  return !isRead || !hasAny(headers, ['if-none-match', 'if-modified-since'])
}

function hasAny(list: readonly string[], names: readonly string[]): boolean {
  for (let i = 0; i < list.length; i += 2) if (names.includes(list[i] as string)) return true
  return false
}

/** RFC 9110 sections 8.6 and 15.3.6: 204 has no length, and 205 has none but 0. */
function withoutForbidden(status: number, headers: HeaderList): HeaderList {
  if (status !== 204 && status !== 205) return headers
  // guard: bodiless-length
  const others = headers.filter(([name]) => name !== 'content-length')
  return status === 204 ? others : [...others, ['content-length', '0']]
}

function giveUp({ body }: Received): void {
  if (!Buffer.isBuffer(body)) body.destroy()
}

/**
 * The reason phrase, one character a byte, as `writeHead` takes it. undici has read the bytes as UTF-8;
 * where they were not, they are lost, and none is better than a wrong one.
 */
export function reasonOf({ statusText }: Pick<Received, 'statusText'>): string {
  if (!NOT_ASCII.test(statusText)) return statusText
  return statusText.includes('\ufffd') ? '' : Buffer.from(statusText, 'utf8').toString('latin1')
}

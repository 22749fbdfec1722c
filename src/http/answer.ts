/**
 * The head and body of an answer, as both front ends write it. Answers from a store are made in
 * `stored-answer.ts`, those of the API that pass in `relayed-answer.ts`. Pure.
 */
import type { Readable } from 'node:stream'
import type { ToldLines } from './told.ts'

export interface WireAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as `writeHead` takes them, or what was prepared of them. */
  readonly head: string[] | PreparedHead
  readonly body: Buffer | Readable | null
}

/** One that was put together for this answer alone. */
export interface PlainAnswer extends WireAnswer {
  readonly head: string[]
}

export interface PreparedHead {
  /** What all answers of one kind made of the same representation begin with. */
  readonly block: HeaderBlock
  /** Follows it, as `X-Request-Id`. */
  readonly requestId: string
  /** Comes last. */
  readonly told: ToldLines
}

/** Headers that are put together once and written often. */
export interface HeaderBlock {
  /** Names and values in turn. */
  readonly list: readonly string[]
  /** Status line and headers as they go on the wire, up to the value of `X-Request-Id`. */
  readonly start: Buffer
  readonly hasDate: boolean
}

/** All of the answer's headers, names and values in turn, in the order in which they are sent. */
export function headersOf({ head }: Pick<WireAnswer, 'head'>): string[] {
  return isPlain(head)
    ? head
    : [...head.block.list, 'X-Request-Id', head.requestId, ...head.told.list]
}

/** Whether nothing of the head was prepared. */
export function isPlain(head: WireAnswer['head']): head is string[] {
  return Array.isArray(head)
}

/** Whether the answer brings a `Date` of the upstream's; otherwise who sends it adds one. */
export function hasDate({ head }: Pick<WireAnswer, 'head'>): boolean {
  return isPlain(head) ? hasName(head, 'Date') || hasName(head, 'date') : head.block.hasDate
}

/** @param list names and values in turn; a value that reads like a name is none */
export function hasName(list: readonly string[], name: string): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true
  return false
}

export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${printable(reason)}\r\n`
}

/** A reason phrase that can't be written is left out: it carries a message, not the meaning. */
export function printable(reason: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(reason) ? reason : ''
}

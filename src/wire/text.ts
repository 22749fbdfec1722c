/**
 * The head of an answer as the bytes that Node's own server would send for it (`Date` aside). Which
 * headers there are is decided in `http/answer.ts`; here they are only put one after another.
 */
import { hasDate, hasName, isPlain, statusLine, type WireAnswer } from '../http/answer.ts'
import { linesOf } from '../http/lines.ts'
import type { Clock } from '../lib/clock.ts'
import type { Pieces } from './output.ts'

/** Of an answer, by whether it is its connection's last. */
interface Endings {
  readonly last: Buffer
  readonly other: Buffer
}

/** What follows all other headers. */
export class Trailing {
  readonly #clock: Clock
  readonly #keepAlive: string
  #second = Number.NaN
  #dated: Endings
  readonly #undated: Endings

  /** @param keepAliveTimeoutMs how long an idle connection is kept */
  constructor(clock: Clock, keepAliveTimeoutMs: number) {
    this.#clock = clock
    const seconds = Math.floor(keepAliveTimeoutMs / 1000)
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
    this.#undated = this.#endings('')
    this.#dated = this.#undated
  }

  /** Up to and with the empty line. */
  of(answer: WireAnswer, isLast: boolean): Buffer {
    const { last, other } = hasDate(answer) ? this.#undated : this.#datedNow()
    return isLast ? last : other
  }

  #datedNow(): Endings {
    const second = Math.floor(this.#clock.wall() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#dated = this.#endings(`Date: ${new Date(second * 1000).toUTCString()}\r\n`)
    }
    return this.#dated
  }

  #endings(date: string): Endings {
    return {
      last: Buffer.from(`${date}Connection: close\r\n\r\n`, 'latin1'),
      other: Buffer.from(date + this.#keepAlive, 'latin1'),
    }
  }
}

/** Stands where an answer has no such piece. */
const NOTHING: Buffer = Buffer.alloc(0)

/**
 * What is sent of an answer whose bytes are all known.
 *
 * @param trailing ends the head
 * @param content null: none is sent
 */
export function piecesOf(answer: WireAnswer, trailing: Buffer, content: Buffer | null): Pieces {
  const { status, reason, head } = answer
  const body = content ?? NOTHING
  if (!isPlain(head)) {
    return { start: head.block.start, own: head.requestId, told: head.told.text, trailing, body }
  }
  const own = statusLine(status, reason) + linesOf(head)
  return { start: NOTHING, own, told: '', trailing, body }
}

/** Whether the bytes of the answer are all known now, and need no framing but a length that is among its headers. */
export function isWhole({ status, head, body }: WireAnswer): boolean {
  if (body === null) return status === 304
  return Buffer.isBuffer(body) && (!isPlain(head) || hasName(head, 'content-length'))
}

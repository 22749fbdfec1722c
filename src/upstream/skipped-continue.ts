/**
 * `100 Continue` that nobody asked for. RFC 9110 section 15.2 has a client parse and skip it, while undici ends the
 * connection, with a write applied by then. So it is taken out of what undici reads, and nothing else is: other interim
 * answers, and all that begins with a final one, pass untouched.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** As undici's own bound for heads. What has no end by then is undici's to refuse. */
const MAX_HEAD_BYTES = 16_384
const START = /^HTTP\/1\.[01] ([0-9]{3})/
/** As many characters as `START` needs. */
const START_LENGTH = 'HTTP/1.1 100'.length
const VERSION = 'HTTP/1.'
/** Where the first digit of the status is. */
const STATUS_AT = 'HTTP/1.1 '.length
const DIGIT_ONE = 0x31
const HEAD_END = '\r\n\r\n'
const NOTHING: Buffer = Buffer.alloc(0)

/** Of each connection, what its next bytes are. */
const filters = new WeakMap<object, ContinueFilter>()

// undici tells so right before it writes the head of a request.
subscribe('undici:client:sendHeaders', (message) => {
  filters.get((message as { readonly socket: object }).socket)?.expectHead()
})

/** @param socket new, from which undici is going to read without a size */
export function skipContinue(socket: Socket): void {
  const filter = new ContinueFilter()
  filters.set(socket, filter)
  const read = socket.read.bind(socket)
  socket.read = (size?: number): Buffer | null => {
    for (;;) {
      const piece: Buffer | null = read(size)
      if (piece === null || !filter.isExpecting) return piece
      const kept = filter.filter(piece)
      if (kept.length > 0) return kept
    }
  }
}

/** Takes heads of status 100 out of bytes that come piece by piece, up to the head of a final answer. */
export class ContinueFilter {
  /** A head has begun, and its end is not here. */
  #held: Buffer = NOTHING
  #isExpecting = false

  get isExpecting(): boolean {
    return this.#isExpecting
  }

  /** A request is sent: what comes next is the head of an answer to it. */
  expectHead(): void {
    this.#isExpecting = true
    this.#held = NOTHING
  }

  /** Whether `piece` begins with the head of a final answer, as nearly all do: then nothing is looked for until the next. */
  #isFinal(piece: Buffer): boolean {
    if (this.#held.length > 0 || piece.length < START_LENGTH) return false
    if (piece[STATUS_AT] === DIGIT_ONE) return false
    this.#isExpecting = false
    return true
  }

  /** @returns what is to be read; empty: nothing yet */
  filter(piece: Buffer): Buffer {
    if (this.#isFinal(piece)) return piece
    let rest = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    this.#held = NOTHING
    const kept: Buffer[] = []
    while (this.#isExpecting && rest.length > 0) {
      const end = this.#interimEnd(rest)
      if (end === null) {
        this.#held = rest
        rest = NOTHING
      } else {
        // guard: unasked-continue
        if (!isContinue(rest)) kept.push(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
    }
    if (rest.length > 0) kept.push(rest)
    return kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept)
  }

  /** Where the interim head that `bytes` begin with ends; null: can't be told yet; 0: it is none, nor will there be any. */
  #interimEnd(bytes: Buffer): number | null {
    const start = bytes.toString('latin1', 0, START_LENGTH)
    const isInterim = START.exec(start)?.[1]?.startsWith('1') === true
    // What is no HTTP at all may be shorter, and nothing more come.
    const isDecided = START_LENGTH <= bytes.length || !isBegun(start)
    if (!isInterim && isDecided) {
      this.#isExpecting = false
      return 0
    }
    const at = isInterim ? bytes.indexOf(HEAD_END) : -1
    if (at !== -1) return at + HEAD_END.length
    if (bytes.length < MAX_HEAD_BYTES) return null
    this.#isExpecting = false
    return 0
  }
}

/** Whether it may become the first line of an answer. */
function isBegun(start: string): boolean {
  return VERSION.startsWith(start.slice(0, VERSION.length))
}

function isContinue(head: Buffer): boolean {
  return head.toString('latin1', START_LENGTH - 3, START_LENGTH) === '100'
}

/**
 * Standard output, as the log is written to it: its reader may stand still, or be gone, and the process serves and
 * ends all the same. What waits is bounded; lines beyond it are dropped and counted, and the log says so once it goes on.
 *
 * sonic-boom, which pino has for this, tries for ever when the process ends (docs/decisions/2026-12-01-log-output.md).
 */
import { write, writeSync } from 'node:fs'

/** Some 10,000 lines. Bytes. */
const MAX_WAITING_BYTES = 4_194_304
/** No more than the daemon of Docker takes as one. Bytes. */
const MAX_PIECE_BYTES = 16_384
/** Until a reader that takes nothing, or an output that fails, is tried again. Milliseconds. */
const RETRY_MS = 100
const RETRY_AFTER_FAULT_MS = 1_000
/** Longest time in which what waits is written when the process ends. Milliseconds. */
const MAX_FLUSH_MS = 300
const FLUSH_RETRY_MS = 20

export interface LogOutputOptions {
  /** Not in blocking mode, if it is a pipe: a write would keep a thread, and the end of the process with it. */
  readonly fd: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly maxWaitingBytes?: number
}

export class LogOutput {
  readonly #fd: number
  readonly #now: () => number
  readonly #maxWaitingBytes: number
  /** The first may be a part of what was written together. */
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #dropped = 0
  #reported = 0
  #onResumed: (dropped: number) => void = () => {}

  constructor({ fd, now, maxWaitingBytes = MAX_WAITING_BYTES }: LogOutputOptions) {
    this.#fd = fd
    this.#now = now
    this.#maxWaitingBytes = maxWaitingBytes
  }

  /** Lines that were dropped, since the process began. */
  get droppedLines(): number {
    return this.#dropped
  }

  /** @param listener gets the number of lines that were dropped, when all that waited has been taken */
  onResumed(listener: (dropped: number) => void): void {
    this.#onResumed = listener
  }

  /** @param line with its line break */
  write(line: string): void {
    const bytes = Buffer.from(line)
    // guard: log-bound
    if (this.#waitingBytes + bytes.length > this.#maxWaitingBytes) {
      this.#dropped++
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#isWriting) this.#writeNext()
  }

  /** Writes what waits as far as it is taken in a short time. */
  flushSync(): void {
    const end = this.#now() + MAX_FLUSH_MS
    while (this.#waiting.length > 0) {
      const piece = this.#takePiece()
      try {
        this.#putBack(piece, writeSync(this.#fd, piece))
      } catch (error) {
        this.#putBack(piece, 0)
        // guard: log-end
        if (!isBusy(error) || this.#now() >= end) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FLUSH_RETRY_MS)
      }
    }
  }

  #writeNext(): void {
    this.#isWriting = true
    const piece = this.#takePiece()
    write(this.#fd, piece, (error, written) => {
      this.#putBack(piece, error === null ? written : 0)
      if (error !== null) this.#retry(isBusy(error) ? RETRY_MS : RETRY_AFTER_FAULT_MS)
      else if (this.#waiting.length > 0) this.#writeNext()
      else this.#rest()
    })
  }

  #retry(pauseMs: number): void {
    const again = (): void => {
      if (this.#waiting.length > 0) this.#writeNext()
      else this.#rest()
    }
    setTimeout(again, pauseMs).unref()
  }

  #rest(): void {
    this.#isWriting = false
    const dropped = this.#dropped - this.#reported
    this.#reported = this.#dropped
    if (dropped > 0) this.#onResumed(dropped)
  }

  /** What is written at once: as many lines as it may hold, and one at least. */
  #takePiece(): Buffer {
    let count = 0
    let bytes = 0
    for (const { length } of this.#waiting) {
      if (count > 0 && bytes + length > MAX_PIECE_BYTES) break
      count++
      bytes += length
    }
    this.#waitingBytes -= bytes
    const lines = this.#waiting.splice(0, count)
    return lines.length === 1 ? (lines[0] as Buffer) : Buffer.concat(lines, bytes)
  }

  #putBack(piece: Buffer, written: number): void {
    if (written >= piece.length) return
    const rest = piece.subarray(written)
    this.#waiting.unshift(rest)
    this.#waitingBytes += rest.length
  }
}

function isBusy(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EAGAIN' || code === 'EBUSY'
}

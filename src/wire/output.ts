/**
 * What is about to be written: answers are gathered in one buffer that is used again and again, and leave
 * by one write. Strings would be flattened for each write, and their bytes collected as garbage.
 */
import type { Socket } from 'node:net'

const BUFFER_BYTES = 65_536

/** An answer in the order in which it is sent; texts have one byte a character. */
export interface Pieces {
  /** Prepared: what the head begins with. */
  readonly start: Buffer
  /** Put together for this answer alone. */
  readonly own: string
  readonly told: string
  /** Up to the end of the head. */
  readonly trailing: Buffer
  readonly body: Buffer
}

export class Output {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #length = 0

  /**
   * One answer. What is the same for many comes as bytes, and texts one by one: put together, they would be made one
   * for each answer.
   *
   * @returns false when there is no room for it
   */
  append({ start, own, told, trailing, body }: Pieces): boolean {
    const ownAt = this.#length + start.length
    const toldAt = ownAt + own.length
    const trailingAt = toldAt + told.length
    const bodyAt = trailingAt + trailing.length
    const end = bodyAt + body.length
    if (end > BUFFER_BYTES) return false
    const buffer = this.#buffer
    buffer.set(start, this.#length)
    buffer.write(own, ownAt, 'latin1')
    if (told !== '') buffer.write(told, toldAt, 'latin1')
    buffer.set(trailing, trailingAt)
    buffer.set(body, bodyAt)
    this.#length = end
    return true
  }

  /** @returns false when the client does not read as fast as it is answered */
  flush(socket: Socket): boolean {
    if (this.#length === 0) return true
    const bytes = this.#buffer.subarray(0, this.#length)
    this.#length = 0
    // What is encrypted is kept by the stream until it is; a copy of its size costs less than a new buffer.
    if ('encrypted' in socket) return socket.write(Buffer.from(bytes))
    const flows = socket.write(bytes)
    // Not taken by the kernel yet: these bytes must stay as they are.
    if (socket.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    return flows
  }
}

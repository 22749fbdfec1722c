/**
 * What is about to be written: answers are gathered in one buffer that is used again and again, and leave
 * by one write. Strings would be flattened for each write, and their bytes collected as garbage.
 */
import type { Socket } from 'node:net'

const BUFFER_BYTES = 65_536

export class Output {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #length = 0

  /**
   * One answer: bytes, one-byte characters, bytes.
   *
   * @returns false when there is no room for it
   */
  append(start: Buffer | null, own: string, body: Buffer | null): boolean {
    const ownAt = this.#length + (start?.length ?? 0)
    const bodyAt = ownAt + own.length
    const end = bodyAt + (body?.length ?? 0)
    if (end > BUFFER_BYTES) return false
    if (start !== null) this.#buffer.set(start, this.#length)
    this.#buffer.write(own, ownAt, 'latin1')
    if (body !== null) this.#buffer.set(body, bodyAt)
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

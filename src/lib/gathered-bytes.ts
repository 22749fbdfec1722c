/**
 * Bytes put together piece by piece in one buffer that grows: a thousand pieces of one byte take no more memory than
 * one piece of a thousand, while as buffers of their own each would cost some hundred bytes more than it holds.
 */

const FIRST_CAPACITY = 1_024

export class GatheredBytes {
  #buffer: Buffer = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Bytes of memory that it would take beyond those it takes now, were `more` bytes added. */
  growthFor(more: number): number {
    return this.#capacityFor(this.#length + more) - this.#buffer.length
  }

  add(piece: Buffer): void {
    const capacity = this.#capacityFor(this.#length + piece.length)
    if (capacity > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(capacity)
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    piece.copy(this.#buffer, this.#length)
    this.#length += piece.length
  }

  /** All of it so far, not copied: what is added later does not change it. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Doubled each time, so that each byte is copied once on average. */
  #capacityFor(length: number): number {
    let capacity = this.#buffer.length
    while (capacity < length) capacity = Math.max(FIRST_CAPACITY, capacity * 2)
    return capacity
  }
}

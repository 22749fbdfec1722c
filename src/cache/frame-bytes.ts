/**
 * Length-prefixed fields, one after another. The reader never throws and never reads past the end: a field
 * that is not all there is empty, and then the reader is not spent.
 */
export class ByteWriter {
  readonly #chunks: Buffer[] = []

  /** 0 to 255. */
  byte(value: number): void {
    this.#chunks.push(Buffer.of(value))
  }

  number(value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    this.#chunks.push(bytes)
  }

  bytes(value: Buffer): void {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(value.length)
    this.#chunks.push(length, value)
  }

  text(value: string): void {
    this.bytes(Buffer.from(value))
  }

  pairs(values: readonly (readonly [string, string])[]): void {
    this.number(values.length)
    for (const [name, value] of values) {
      this.text(name)
      this.text(value)
    }
  }

  done(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

const NOTHING = Buffer.alloc(0)

export class ByteReader {
  readonly #bytes: Buffer
  #at = 0
  #isBroken = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** All was read, and all that was read was there. */
  get isSpent(): boolean {
    return !this.#isBroken && this.#at === this.#bytes.length
  }

  byte(): number {
    return this.#take(1)?.[0] ?? 0
  }

  number(): number {
    const field = this.#take(8)
    return field === null ? 0 : field.readDoubleBE()
  }

  bytes(): Buffer {
    const length = this.#take(4)
    return (length === null ? null : this.#take(length.readUInt32BE())) ?? NOTHING
  }

  text(): string {
    return this.bytes().toString()
  }

  pairs(): (readonly [string, string])[] {
    const count = this.number()
    const pairs: (readonly [string, string])[] = []
    for (let i = 0; i < count && !this.#isBroken; i++) pairs.push([this.text(), this.text()])
    return pairs
  }

  #take(length: number): Buffer | null {
    const end = this.#at + length
    if (this.#isBroken || end > this.#bytes.length) {
      this.#isBroken = true
      return null
    }
    const field = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return field
  }
}

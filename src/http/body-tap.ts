/** A request body on its way to the upstream: limited in length, and remembered where a write needs it. */
import { Transform, type TransformCallback } from 'node:stream'

/** The content went over `server.maxRequestBytes`. */
export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge'
}

/** Longest body that is remembered; parents and ids are found in far less. */
const MAX_REMEMBERED_BYTES = 65_536

export class BodyTap extends Transform {
  readonly #maxBytes: number
  readonly #remembers: boolean
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(maxBytes: number, remembers: boolean) {
    super()
    this.#maxBytes = maxBytes
    this.#remembers = remembers
  }

  /** The whole body as text; null: not remembered, not complete, or too long to be. */
  get text(): string | null {
    if (!this.#remembers || !this.writableFinished || this.#size > MAX_REMEMBERED_BYTES) return null
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#size += chunk.length
    if (this.#size > this.#maxBytes) {
      done(new ContentTooLarge('content over the limit'))
      return
    }
    if (this.#remembers && this.#size <= MAX_REMEMBERED_BYTES) this.#chunks.push(chunk)
    done(null, chunk)
  }
}

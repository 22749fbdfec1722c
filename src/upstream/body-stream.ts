/** The body of an answer as a stream. Who reads it lets the upstream send; who destroys it ends the connection that it comes from. */
import { Readable } from 'node:stream'

export interface BodySource {
  resume(): void
  abort(reason: Error): void
  /** A fault of our own. */
  faulted(error: unknown): void
}

export class BodyStream extends Readable {
  readonly #source: BodySource
  #isComplete = false

  constructor(source: BodySource) {
    super()
    this.#source = source
    // Who reads it hears of an error by the read; where nobody does, it would end the process.
    this.on('error', () => {})
  }

  end(): void {
    this.#isComplete = true
    this.push(null)
  }

  override _read(): void {
    try {
      this.#source.resume()
    } catch (error) {
      // The stream would take it for an error of its source.
      this.#source.faulted(error)
      this.destroy(error as Error)
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isComplete) this.#source.abort(error ?? new Error('nobody reads the body'))
    done(error)
  }
}

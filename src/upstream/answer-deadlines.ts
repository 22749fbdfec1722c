/**
 * The deadlines within one answer: for its head, and for each pause within its body. undici has both, but counts
 * in half seconds: it would be late, or early, by as much.
 */
import { errors } from 'undici'

export interface AnswerPatience {
  /** From the request having been sent to the last byte of the answer's head. */
  readonly headersTimeoutMs: number
  /** Longest pause within a body, while somebody reads it. */
  readonly bodyTimeoutMs: number
}

export class AnswerDeadlines {
  readonly #patience: AnswerPatience
  readonly #giveUp: (reason: Error) => void
  #timer: NodeJS.Timeout | undefined

  constructor(patience: AnswerPatience, giveUp: (reason: Error) => void) {
    this.#patience = patience
    this.#giveUp = giveUp
  }

  /** The request is on its way, with all its content. */
  sent(): void {
    const late = (): void => this.#giveUp(new errors.HeadersTimeoutError())
    this.#timer = setTimeout(late, this.#patience.headersTimeoutMs)
  }

  /** The head is here, or the body is read again. */
  awaitBody(): void {
    clearTimeout(this.#timer)
    const late = (): void => this.#giveUp(new errors.BodyTimeoutError())
    this.#timer = setTimeout(late, this.#patience.bodyTimeoutMs)
  }

  /** A part of the body has come. */
  moved(): void {
    this.#timer?.refresh()
  }

  /** Nobody waits for the upstream: all has come, or it has failed, or its reader is not ready for more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

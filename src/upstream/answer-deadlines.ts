/**
 * The deadlines of one request to the upstream: for all of it, for the answer's head, and for each pause within its
 * body. undici has the latter two, but counts in half seconds: it would be late, or early, by as much.
 */
import { errors } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { Budget } from './budget.ts'
import { Overdue } from './given-up.ts'

/** Times in milliseconds. */
export interface AnswerPatience {
  /** From the request having been sent to the last byte of the answer's head. */
  readonly headersTimeoutMs: number
  /** Longest pause within a body, while somebody reads it. */
  readonly bodyTimeoutMs: number
  /** Of a body that is handed over as it comes: all of it, but for what its reader holds up. */
  readonly streamTimeoutMs: number
  readonly clock: Clock
}

export class AnswerDeadlines {
  readonly #patience: AnswerPatience
  readonly #giveUp: (reason: Error) => void
  /** Of the answer, waiting for a connection included; then of its body, if that is streamed. */
  #total: Budget
  /** Of what comes next. */
  #timer: NodeJS.Timeout | undefined

  /** @param totalMs from now to the answer, without the time that its content takes to be sent */
  constructor(patience: AnswerPatience, totalMs: number, giveUp: (reason: Error) => void) {
    this.#patience = patience
    this.#giveUp = giveUp
    this.#total = this.#budget(totalMs)
    this.#total.run()
  }

  /** Content is being sent: how long that takes is the client's business. */
  sending(): void {
    this.#total.hold()
  }

  /** The request is on its way, with all its content. */
  sent(): void {
    this.#total.run()
    const late = (): void => this.#giveUp(new errors.HeadersTimeoutError())
    // guard: head-deadline
    this.#timer = setTimeout(late, this.#patience.headersTimeoutMs)
  }

  /** The head is here, or the body is read again. */
  awaitBody(): void {
    clearTimeout(this.#timer)
    this.#total.run()
    const late = (): void => this.#giveUp(new errors.BodyTimeoutError())
    // guard: pause-deadline
    this.#timer = setTimeout(late, this.#patience.bodyTimeoutMs)
  }

  /** The answer is given now, and its body as it comes. */
  streams(): void {
    this.#total.hold()
    this.#total = this.#budget(this.#patience.streamTimeoutMs)
    this.#total.run()
  }

  /** A part of the body has come. */
  moved(): void {
    this.#timer?.refresh()
  }

  /** Nobody waits for the upstream: all has come, or it has failed, or its reader is not ready for more. */
  stop(): void {
    this.#total.hold()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #budget(ms: number): Budget {
    // guard: total-deadline
    return new Budget(ms, this.#patience.clock, () => this.#giveUp(new Overdue()))
  }
}

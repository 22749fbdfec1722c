import type { WireAnswer } from '../http/answer.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Peer } from '../http/forwarded.ts'
import type { InterimAnswer } from '../http/interim.ts'
import type { Passage } from '../http/passage.ts'
import type { RawRequest } from '../http/validate.ts'

/** Where the answers to its requests go. */
export interface Answering {
  readonly peer: Peer
  answer(raw: RawRequest, answer: WireAnswer): void
  inform(interim: InterimAnswer): void
  /** @returns the status */
  problem(raw: RawRequest, ...problem: Parameters<Exchange['problem']>): number
  passOn(exchange: Exchange, passage: Passage): void
}

/** One request on a connection. */
export class WireExchange implements Exchange {
  readonly raw: RawRequest
  readonly #connection: Answering

  constructor(raw: RawRequest, connection: Answering) {
    this.raw = raw
    this.#connection = connection
  }

  answer(answer: WireAnswer): void {
    this.#connection.answer(this.raw, answer)
  }

  get peer(): Peer {
    return this.#connection.peer
  }

  inform(interim: InterimAnswer): void {
    this.#connection.inform(interim)
  }

  problem(...problem: Parameters<Exchange['problem']>): number {
    return this.#connection.problem(this.raw, ...problem)
  }

  passOn(passage: Passage): void {
    this.#connection.passOn(this, passage)
  }
}

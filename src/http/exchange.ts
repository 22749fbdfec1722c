/**
 * One request, and the way back to its client. The pipeline knows no more of a front end than this.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Presence } from '../lib/presence.ts'
import { isPlain, type WireAnswer } from './answer.ts'
import { type Peer, peerOf } from './forwarded.ts'
import { type InterimAnswer, writeInterim } from './interim.ts'
import type { Passage } from './passage.ts'
import type { Particulars } from './problem-answer.ts'
import type { ProblemCode } from './problems.ts'
import { endConnection, hasContent, writeAnswer, writeProblem } from './respond.ts'
import type { RawRequest } from './validate.ts'

export interface Exchange {
  readonly raw: RawRequest
  readonly peer: Peer
  answer(answer: WireAnswer): void
  /** To be called before the answer, or the problem, is given. */
  inform(interim: InterimAnswer): void
  /** @returns the status that was answered */
  problem(code: ProblemCode, requestId: string, particulars: Partial<Particulars>): number
  /** Gives the request to what passes it through, and answers it. */
  passOn(passage: Passage): void
}

/** Who passes requests through, by whether they have content. */
export interface PassOn {
  withContent(req: IncomingMessage, res: ServerResponse, passage: Passage, presence: Presence): void
  withoutContent(exchange: Exchange, passage: Passage, presence: Presence): void
}

/** An exchange by the objects of Node's own HTTP server. */
export class NodeExchange implements Exchange {
  readonly raw: RawRequest
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #passOn: PassOn

  constructor(req: IncomingMessage, res: ServerResponse, passOn: PassOn) {
    this.#req = req
    this.#res = res
    this.#passOn = passOn
    this.raw = {
      method: req.method ?? '',
      url: req.url ?? '',
      httpVersion: req.httpVersion,
      rawHeaders: req.rawHeaders,
    }
  }

  answer(answer: WireAnswer): void {
    const { head } = answer
    // Content that was not passed on is not read.
    if (isPlain(head) && hasContent(this.#req)) endConnection(this.#req, head)
    writeAnswer(this.#res, answer)
  }

  get peer(): Peer {
    return peerOf(this.#req.socket)
  }

  inform(interim: InterimAnswer): void {
    writeInterim(this.#res, interim)
  }

  problem(...problem: Parameters<Exchange['problem']>): number {
    return writeProblem(this.#req, this.#res, ...problem)
  }

  passOn(passage: Passage): void {
    const presence = new Presence()
    this.#res.once('close', () => presence.gone())
    if (hasContent(this.#req)) this.#passOn.withContent(this.#req, this.#res, passage, presence)
    else this.#passOn.withoutContent(this, passage, presence)
  }
}

/**
 * Requests without content that pass through. They are answered by the front end that they came through: only
 * content needs what Fastify and @fastify/http-proxy do (`pass-through.ts`).
 */
import type { Readable } from 'node:stream'
import type { Presence } from '../lib/presence.ts'
import type { Cors } from './cors.ts'
import type { Exchange } from './exchange.ts'
import type { PassedAnswer } from './forward.ts'
import type { InterimAnswer } from './interim.ts'
import { conduct, type Passage, type PassageDependencies } from './passage.ts'
import {
  causeOf,
  factsOf,
  problemOf,
  reportPassage,
  retryAfterOf,
  targetOf,
} from './passage-end.ts'
import type { Preflight } from './preflight.ts'
import { relayedAnswer } from './relayed-answer.ts'
import { secondsToWait } from './retry-after.ts'

export type RelayDependencies = PassageDependencies & {
  readonly cors: Cors
  readonly isTimed: boolean
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export class Relay {
  readonly #deps: RelayDependencies

  constructor(dependencies: RelayDependencies) {
    this.#deps = dependencies
  }

  /** Answers the request, and never rejects. */
  async pass(exchange: Exchange, passage: Passage, presence: Presence): Promise<void> {
    const inform = (interim: InterimAnswer): void => exchange.inform(interim)
    const { raw, peer } = exchange
    let wasSent = false
    const onSend = (): void => {
      wasSent = true
    }
    const source = { rawHeaders: raw.rawHeaders, presence, peer, inform, onSend }
    try {
      this.#answer(exchange, passage, await conduct(passage, source, null, this.#deps))
    } catch (error) {
      this.#fail(exchange, passage, error, wasSent)
    }
  }

  #answer(exchange: Exchange, passage: Passage, answer: PassedAnswer): void {
    const { outcome, head, preflight } = passage
    if (preflight !== null && this.#permit(exchange, passage, preflight, answer)) return
    const { status, body } = answer
    if (!Buffer.isBuffer(body)) this.#reportAtEnd(passage, status, body)
    const facts = factsOf(passage, answer, this.#deps)
    exchange.answer(relayedAnswer(answer, outcome, head, targetOf(passage), facts))
    if (Buffer.isBuffer(body)) reportPassage(passage, status, null, this.#deps)
  }

  /** What the API permits is answered as it will be from memory. */
  #permit(
    exchange: Exchange,
    passage: Passage,
    preflight: Preflight,
    { status, headers, body }: PassedAnswer,
  ): boolean {
    const { cors } = this.#deps
    if (!cors.learn(preflight, status, headers)) return false
    const own = cors.answer(preflight, passage.head.requestId)
    if (own === null) return false
    if (!Buffer.isBuffer(body)) body.destroy()
    exchange.answer(own)
    reportPassage(passage, own.status, null, this.#deps)
    return true
  }

  /** Sent whole or given up, it closes. */
  #reportAtEnd(passage: Passage, status: number, body: Readable): void {
    body.once('close', () => reportPassage(passage, status, null, this.#deps))
  }

  #fail(exchange: Exchange, passage: Passage, error: unknown, wasSent: boolean): void {
    const { head } = passage
    const { requestId } = head
    const code = problemOf(error)
    if (code === 'internal_error') this.#deps.reporter.faulted(error, requestId)
    const retryAfter = secondsToWait(retryAfterOf(error), this.#deps.random)
    const readers = this.#deps.cors.readersFor(head)
    const status = exchange.problem(code, requestId, { retryAfter, readers, wasSent })
    reportPassage(passage, status, { code, cause: causeOf(error) }, this.#deps)
  }
}

/**
 * Requests without content that pass through. They are answered by the front end that they came through: only
 * content needs what Fastify and @fastify/http-proxy do (`pass-through.ts`).
 */
import type { Readable } from 'node:stream'
import type { Presence } from '../lib/presence.ts'
import type { Exchange } from './exchange.ts'
import type { PassedAnswer } from './forward.ts'
import { conduct, type Passage, type PassageDependencies } from './passage.ts'
import { problemOf, reportPassage, retryAfterOf, targetOf } from './passage-end.ts'
import { relayedAnswer } from './relayed-answer.ts'
import { secondsToWait } from './retry-after.ts'

export type RelayDependencies = PassageDependencies & {
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
    const source = { rawHeaders: exchange.raw.rawHeaders, presence }
    try {
      this.#answer(exchange, passage, await conduct(passage, source, null, this.#deps))
    } catch (error) {
      this.#fail(exchange, passage, error)
    }
  }

  #answer(exchange: Exchange, passage: Passage, answer: PassedAnswer): void {
    const { outcome, head } = passage
    const { status, body } = answer
    if (!Buffer.isBuffer(body)) this.#reportAtEnd(passage, status, body)
    exchange.answer(relayedAnswer(answer, outcome, head, targetOf(passage)))
    if (Buffer.isBuffer(body)) reportPassage(passage, status, null, this.#deps)
  }

  /** Sent whole or given up, it closes. */
  #reportAtEnd(passage: Passage, status: number, body: Readable): void {
    body.once('close', () => reportPassage(passage, status, null, this.#deps))
  }

  #fail(exchange: Exchange, passage: Passage, error: unknown): void {
    const { requestId } = passage.head
    const code = problemOf(error)
    if (code === 'internal_error') this.#deps.reporter.faulted(error, requestId)
    const retryAfter = secondsToWait(retryAfterOf(error), this.#deps.random)
    const status = exchange.problem(code, requestId, retryAfter)
    reportPassage(passage, status, code, this.#deps)
  }
}

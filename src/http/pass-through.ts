/**
 * What has content goes through @fastify/http-proxy; what passes through without goes by `relay.ts`.
 *
 * Its defaults are not ours, so each is set: no retry of anything, no header of
 * the client's forwarded unless allowed, no address in an error, hop-by-hop headers dropped both ways.
 * The request itself is made by `conduct`, over the same connections as the fills: http-proxy accepts
 * anything with undici's `request`, and the passage travels to it under a symbol among the headers.
 */
import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance } from 'fastify'
import type { Presence } from '../lib/presence.ts'
import { Content, isCoding } from './content.ts'
import type { Cors } from './cors.ts'
import type { PassedAnswer } from './forward.ts'
import { type Peer, peerOf } from './forwarded.ts'
import { type InterimAnswer, writeInterim } from './interim.ts'
import { conduct, type Passage, type PassageDependencies } from './passage.ts'
import {
  causeOf,
  type FailedPassage,
  factsOf,
  problemOf,
  reportPassage,
  retryAfterOf,
  targetOf,
} from './passage-end.ts'
import { PROBLEMS } from './problems.ts'
import { relayedAnswer } from './relayed-answer.ts'
import { endConnection, writeAnswer, writeProblem } from './respond.ts'
import { secondsToWait } from './retry-after.ts'
import { markSent, wasSent } from './sent-requests.ts'

export interface PassThroughDependencies extends PassageDependencies {
  readonly cors: Cors
  readonly isTimed: boolean
  readonly maxRequestBytes: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** How far a passage has come. */
interface Journey {
  readonly passage: Passage
  readonly rawHeaders: readonly string[]
  readonly presence: Presence
  /** Lets the client send the content that it has announced. */
  readonly onRead: (() => void) | null
  readonly peer: Peer
  readonly inform: (interim: InterimAnswer) => void
  readonly onSend: () => void
  answer: PassedAnswer | null
  failed: FailedPassage | null
}

const CLIENT_GONE: FailedPassage = { code: 'client_gone', cause: null }
const kJourney = Symbol('journey')
/** Content comes with any method that Node's parser knows but these. */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['CONNECT', 'GET', 'HEAD', 'TRACE'])
const CONTENT_METHODS = METHODS.filter((method) => !WITHOUT_CONTENT.has(method))

export class PassThrough {
  readonly #deps: PassThroughDependencies
  readonly #journeys = new WeakMap<IncomingMessage, Journey>()

  constructor(dependencies: PassThroughDependencies) {
    this.#deps = dependencies
  }

  /** Notes what the pipeline knows, before the request is given to Fastify. */
  admit(req: IncomingMessage, res: ServerResponse, passage: Passage, presence: Presence): void {
    const { rawHeaders } = req
    const onRead = isAwaited(req) ? () => res.writeContinue() : null
    const inform = (interim: InterimAnswer): void => writeInterim(res, interim)
    const onSend = (): void => markSent(req)
    const source = { rawHeaders, presence, peer: peerOf(req.socket), inform, onSend }
    this.#journeys.set(req, { passage, ...source, onRead, answer: null, failed: null })
  }

  async register(fastify: FastifyInstance): Promise<void> {
    fastify.setErrorHandler((error, request, reply) => this.#fail(request.raw, reply, error))
    fastify.addHook('onRequest', async (request, reply) => {
      reply.raw.once('close', () => this.#report(request.raw, reply.raw))
    })
    const { supportedMethods } = fastify
    for (const method of CONTENT_METHODS) {
      if (!supportedMethods.includes(method)) fastify.addHttpMethod(method, { hasBody: true })
    }
    await fastify.register(httpProxy, {
      // Only the path of the target is used; where it goes is the client's business.
      upstream: 'http://upstream.invalid',
      httpMethods: CONTENT_METHODS as never,
      websocket: false,
      disableRequestLogging: true,
      disableCache: true,
      retryMethods: [],
      undici: this.#requester() as never,
      replyOptions: {
        rewriteRequestHeaders: (request) =>
          ({ [kJourney]: this.#journeys.get(request.raw as IncomingMessage) }) as never,
        onResponse: (request, reply) =>
          this.#answer(request.raw as IncomingMessage, reply as unknown as RawReply),
        onError: (reply, { error }) =>
          this.#fail(reply.request.raw as IncomingMessage, reply as unknown as RawReply, error),
      },
    })
  }

  /** What http-proxy takes for an undici dispatcher. */
  #requester(): object {
    const request = (options: RelayOptions, done: RelayCallback): void => {
      const journey = options.headers[kJourney]
      conduct(journey.passage, journey, this.#contentOf(options), this.#deps).then(
        (answer) => {
          journey.answer = answer
          const stream = Buffer.isBuffer(answer.body) ? Readable.from([]) : answer.body
          // reply-from destroys it when the client has gone away; nobody else may be listening then.
          stream.on('error', () => {})
          done(null, { statusCode: answer.status, headers: {}, body: stream })
        },
        (error: Error) => done(error),
      )
    }
    return { request }
  }

  /** http-proxy hands the client's stream over as it is. */
  #contentOf({ headers, body }: RelayOptions): Content | null {
    if (!(body instanceof Readable)) return null
    const { passage, rawHeaders, onRead } = headers[kJourney]
    // guard: coded-content
    const isRead = passage.write !== null && !isCoded(rawHeaders)
    return new Content(body, this.#deps.maxRequestBytes, isRead, onRead)
  }

  #answer(req: IncomingMessage, reply: RawReply): void {
    const journey = this.#journeys.get(req)
    reply.hijack()
    if (journey?.answer === null || journey === undefined) return
    const { passage, answer } = journey
    const { outcome, head } = passage
    const facts = factsOf(passage, answer, this.#deps)
    const relayed = relayedAnswer(answer, outcome, head, targetOf(passage), facts)
    // The upstream did not wait for the end of the content, and nobody will read the rest of it.
    if (!req.complete) endConnection(req, relayed.head)
    writeAnswer(reply.raw, relayed)
  }

  #fail(req: IncomingMessage, reply: RawReply, error: unknown): void {
    const journey = this.#journeys.get(req)
    // http-proxy wraps what `conduct` rejected with; the cause decides.
    const cause = (error as { readonly cause?: unknown }).cause ?? error
    const code = problemOf(cause)
    if (code === 'internal_error') {
      this.#deps.reporter.faulted(cause, journey?.passage.head.requestId ?? '')
    }
    reply.hijack()
    if (journey === undefined || reply.raw.headersSent) {
      reply.raw.destroy()
      return
    }
    journey.failed = { code, cause: causeOf(cause) }
    const retryAfter = secondsToWait(retryAfterOf(cause), this.#deps.random)
    const { head } = journey.passage
    const readers = this.#deps.cors.readersFor(head)
    const particulars = { retryAfter, readers, wasSent: wasSent(req) }
    writeProblem(req, reply.raw, code, head.requestId, particulars)
  }

  #report(req: IncomingMessage, res: ServerResponse): void {
    const journey = this.#journeys.get(req)
    if (journey === undefined) return
    // No head of an answer, and the connection has ended: the client did not wait for one.
    const failed = res.headersSent ? journey.failed : CLIENT_GONE
    const status = res.headersSent ? res.statusCode : PROBLEMS.client_gone.status
    reportPassage(journey.passage, status, failed, this.#deps)
  }
}

/**
 * Whether the client waits to be told that its content is wanted (RFC 9110 section 10.1.1). That is said when it is about
 * to be read, and so never before a refusal.
 */
function isAwaited({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersion === '1.1'
}

/** What of Fastify's reply is used: the answer is written past it. */
interface RawReply {
  readonly raw: ServerResponse
  hijack(): unknown
}

interface RelayOptions {
  readonly headers: { readonly [kJourney]: Journey }
  readonly body?: unknown
}

type RelayCallback = (
  error: Error | null,
  response?: { readonly statusCode: number; readonly headers: object; readonly body: Readable },
) => void

function isCoded(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    if (isCoding([name, rawHeaders[i + 1] as string])) return true
  }
  return false
}

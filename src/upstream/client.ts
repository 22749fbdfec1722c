/**
 * The upstream, through one undici pool for fills and pass-through alike. No interceptor, no redirect, no
 * retry; the certificate is always verified. A failure is a value, and says nothing of addresses.
 */
import { Client, type Dispatcher, Pool } from 'undici'
import type { FailedCall, UpstreamAnswer } from '../cache/ports.ts'
import { ownBytes } from '../lib/own-bytes.ts'
import type { Span } from '../lib/tracer.ts'
import type { AnswerPatience } from './answer-deadlines.ts'
import type { BodyTerms, Question, Received, ReceptionTerms, Sent } from './call.ts'
import { endCall, failCall } from './call-span.ts'
import { type CheckedAnswer, checkedAnswer, type SentRequest } from './checked-answer.ts'
import { ConnectionLives } from './connection-lives.ts'
import { Connector } from './connector.ts'
import { failedCall } from './failure-causes.ts'
import { UpstreamFailed } from './faults.ts'
import { InvalidAnswer } from './given-up.ts'
import { type ReadHeaders, readHeaders } from './headers.ts'
import { Locations } from './locations.ts'
import { NameWatch } from './name-watch.ts'
import { publicFields } from './public-fields.ts'
import { send } from './reception.ts'
import { RetryBudget } from './retry-budget.ts'

/** undici's deadlines may be early by so much. */
const UNDICI_TICK_MS = 500

export interface UpstreamOptions extends AnswerPatience {
  readonly url: string
  /** How the API is told who asks. */
  readonly forwarded: 'off' | 'x-forwarded' | 'forwarded'
  /** What clients ask by; null: the API is not told. */
  readonly publicUrl: string | null
  readonly connectTimeoutMs: number
  readonly connections: number
  /** How long a connection is used; 0: without end. */
  readonly connectionLifeMs: number
  /** How often the name is looked up while there are connections; 0: never. */
  readonly addressCheckMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** PEM of the authorities to trust in place of the system's; null: the system's. */
  readonly ca: string | null
  /** Bodies up to this size are read whole. */
  readonly maxBodyBytes: number
  /** Longest pause that a client may make within its content. */
  readonly uploadPauseMs: number
  /** A fault of our own, in the body of a read that is streamed. */
  readonly faulted: (error: unknown, requestId: string) => void
  /** A call has failed, and is not made again. */
  readonly failed: (call: FailedCall) => void
}

/** Connections to the upstream by what they do. */
export interface Connections {
  /** Looked up, connected, or in their handshake. */
  readonly connecting: number
  /** With a request under way. */
  readonly active: number
  readonly idle: number
}

/** A read, to be put to the upstream. */
interface Read {
  readonly path: string
  readonly headers: ReadHeaders
  /** Monotonic milliseconds. */
  readonly deadline: number
  /** A byte of it has left, perhaps by the first of two connections. */
  wasSent: boolean
}

interface Call {
  readonly span: Span
  readonly sent: Sent
  readonly request: SentRequest
  readonly requestId: string
}

export class UpstreamClient {
  readonly #pool: Pool
  readonly #lives: ConnectionLives
  readonly #name: NameWatch
  readonly #origin: string
  readonly #connection: Client.Options
  /** Each with the one read that was sent by it. */
  readonly #retrying = new Set<Client>()
  /** Of reads, which may be stored: whole as far as they may. */
  readonly #terms: BodyTerms
  readonly #options: UpstreamOptions
  /** Whether a connection's end is more than a guess: not over TLS. */
  readonly #isCloseProof: boolean
  readonly #retries = new RetryBudget()
  readonly #connector: Connector
  readonly #locations: Locations
  /** Of every read. */
  readonly #publicFields: readonly string[]

  constructor(options: UpstreamOptions) {
    const url = new URL(options.url)
    this.#options = options
    this.#terms = { maxWholeBytes: options.maxBodyBytes, waitsForUnannounced: true }
    this.#locations = new Locations(options.url, options.publicUrl)
    this.#publicFields = publicFields(options.forwarded, options.publicUrl)
    this.#connector = new Connector(options.connectTimeoutMs, options.ca)
    this.#origin = url.origin
    this.#isCloseProof = url.protocol === 'http:'
    this.#connection = {
      pipelining: 1,
      // For an API that does not take an upload, which our own deadline does not see; never before that one, nor before
      // the client's own time to go on.
      headersTimeout: Math.max(options.headersTimeoutMs, options.uploadPauseMs) + UNDICI_TICK_MS,
      // Kept by `answer-deadlines.ts`.
      bodyTimeout: 0,
      connect: this.#connector.connect,
    }
    const { connections, connectionLifeMs, addressCheckMs, random } = options
    this.#lives = new ConnectionLives({ lifeMs: connectionLifeMs, random })
    this.#name = new NameWatch(url.hostname, addressCheckMs, this.#lives)
    const factory = this.#lives.newClient
    // guard: no-redirect
    this.#pool = new Pool(url.origin, { ...this.#connection, connections, factory })
  }

  /**
   * Reads `path` whole. Settles by `deadline` (monotonic milliseconds) at the latest; a body above
   * `maxBodyBytes` is handed over as a stream, which may then take `streamTimeoutMs`.
   *
   * @throws what is a fault of our own
   */
  async read(path: string, headers: ReadHeaders, deadline: number): Promise<UpstreamAnswer> {
    const sentAt = this.#options.clock.monotonic()
    const read = { path: this.#locations.base + path, headers, deadline, wasSent: false }
    try {
      return await this.#askTwice(read, sentAt)
    } catch (error) {
      // guard: own-fault
      if (!(error instanceof UpstreamFailed)) throw error
      this.#report(error, headers.requestId)
      return { kind: error.kind, cause: error.why, wasSent: read.wasSent }
    }
  }

  /** Sends a request that passes through. `path` gets the base. What is received rejects as undici does. */
  relay(
    question: Omit<Question, 'onFailed'>,
    terms: Omit<ReceptionTerms, 'isCloseProof'>,
    requestId: string,
  ): Sent {
    const onFailed = (failed: UpstreamFailed): void => this.#report(failed, requestId)
    const { method, headers, body, onSend, onInterim, onFault } = question
    const path = this.#locations.base + question.path
    const whole = { method, path, headers, body, onSend, onInterim, onFailed, onFault }
    const { maxWholeBytes, waitsForUnannounced, totalMs } = terms
    const isCloseProof = this.#isCloseProof
    const all = { maxWholeBytes, waitsForUnannounced, totalMs, isCloseProof }
    return send(this.#pool, whole as Question, all, this.#options)
  }

  /** @returns null: it is no answer to the request, and its body is given up */
  check(received: Received, request: SentRequest, requestId: string): CheckedAnswer | null {
    const checked = checkedAnswer(received, request, this.#locations)
    if (checked === null) {
      this.#options.failed(failedCall(new InvalidAnswer(), 'bad-http', requestId))
    }
    return checked
  }

  /** As `Connector` has it. */
  get certificateExpiresAt(): number | null {
    return this.#connector.certificateExpiresAt
  }

  get connections(): Connections {
    const { connecting, open } = this.#connector
    const running = [this.#pool, ...this.#retrying].reduce(
      (sum, { stats }) => sum + stats.running,
      0,
    )
    const active = Math.min(open, running)
    return { connecting, active, idle: open - active }
  }

  /** The authorities that may vouch for the API have changed: connections are made anew. */
  trust(ca: string): void {
    this.#connector.trust(ca)
    this.#lives.endAll()
  }

  async close(): Promise<void> {
    this.#name.stop()
    await Promise.all([this.#pool, ...this.#retrying].map((each) => each.destroy()))
  }

  /**
   * A read that met a connection which the upstream was just closing is sent once more (reliability F31).
   * Only a read, and only within the budget: whatever else fails is an answer of its own.
   */
  async #askTwice(read: Read, sentAt: number): Promise<UpstreamAnswer> {
    this.#retries.earn()
    const first = this.#send(this.#pool, read)
    try {
      return await this.#receive(first, sentAt)
    } catch (error) {
      const isUnanswered =
        error instanceof UpstreamFailed &&
        !first.sent.hasBegun &&
        this.#connector.diedInUse(error.reason)
      if (!isUnanswered || !this.#retries.spend()) throw error
      return this.#receive(this.#sendAnew(read), sentAt)
    }
  }

  /**
   * By a connection of its own. One that the pool has may be the next that the upstream is just closing, for those
   * that fell idle together end together; and there is no third time. It comes on top of `connections`, in place of
   * the one that died, and as seldom as the budget says.
   */
  #sendAnew(read: Read): Call {
    const client = new Client(this.#origin, this.#connection)
    this.#retrying.add(client)
    const call = this.#send(client, read)
    // Takes no more, and ends with the answer.
    client.close(() => void this.#retrying.delete(client))
    return call
  }

  /** Each time under a span of its own: the upstream can tell the two apart. */
  #send(dispatcher: Dispatcher, read: Read): Call {
    const { path, headers, deadline } = read
    const span = headers.span.begin('upstream')
    const lines = [...readHeaders(headers, span.context), ...this.#publicFields]
    const { requestId } = headers
    const onFault = (error: unknown): void => this.#options.faulted(error, requestId)
    // What fails before is reported where it is known whether it is sent again.
    const onFailed = (failed: UpstreamFailed, isGiven: boolean): void => {
      if (isGiven) this.#report(failed, requestId)
    }
    const onSend = (): void => {
      read.wasSent = true
    }
    const question = { method: 'GET', path, headers: lines, body: null, onSend, onFault, onFailed }
    const totalMs = Math.max(0, deadline - this.#options.clock.monotonic())
    const terms = { ...this.#terms, totalMs, isCloseProof: this.#isCloseProof }
    const sent = send(dispatcher, question, terms, this.#options)
    return { span, sent, request: question, requestId }
  }

  async #receive(call: Call, sentAt: number): Promise<UpstreamAnswer> {
    const { span, sent, request, requestId } = call
    try {
      const answer = answerOf(this.check(await sent.received, request, requestId), sentAt)
      if ('status' in answer) endCall(span, 'GET', answer.status)
      else failCall(span, 'GET', answer.kind)
      return answer
    } catch (error) {
      failCall(span, 'GET', faultWord(error))
      throw error
    }
  }

  #report({ reason, why }: UpstreamFailed, requestId: string): void {
    this.#options.failed(failedCall(reason, why, requestId))
  }
}

function answerOf(checked: CheckedAnswer | null, sentAt: number): UpstreamAnswer {
  if (checked === null) return { kind: 'unreachable', cause: 'bad-http', wasSent: true }
  const { body, isProven, ...head } = checked
  if (Buffer.isBuffer(body)) return { kind: 'buffered', ...head, body: ownBytes(body), sentAt }
  return { kind: 'streamed', why: isProven ? 'size' : 'unproven', ...head, stream: body, sentAt }
}

/** What a trace calls the error that a call has ended with. */
export function faultWord(error: unknown): string {
  return error instanceof UpstreamFailed ? error.kind : 'fault'
}

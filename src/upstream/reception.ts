/**
 * One request to the upstream, and what comes back. A short body is received whole and given with the head,
 * so that both can leave in one write; a longer one is a stream that holds the upstream back while nobody reads it.
 *
 * By undici's `dispatch`, and not by its `request`, which makes a stream, a promise and a copy for every body.
 */
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { GatheredBytes } from '../lib/gathered-bytes.ts'
import { AnswerDeadlines, type AnswerPatience } from './answer-deadlines.ts'
import { BodyStream } from './body-stream.ts'
import type { Question, Received, ReceptionTerms, Sent } from './call.ts'
import { type CallStage, causeOf } from './failure-causes.ts'
import { type FaultKind, UpstreamFailed, upstreamFault } from './faults.ts'
import { type AnswerFields, type Framing, framingOf } from './framing.ts'
import { BrokenBody, ImpossibleStatus, UnknownCoding } from './given-up.ts'
import { isBrokenJson, isJson, withoutEnd } from './unproven-body.ts'

export function send(
  dispatcher: Dispatcher,
  question: Question,
  terms: ReceptionTerms,
  patience: AnswerPatience,
): Sent {
  const reception = new Reception(question, terms, patience)
  // One shape for all, with nothing beside it: undici looks for a dozen options in it, and does so at once only then.
  const { method, path, headers, body } = question
  dispatcher.dispatch({ method, path, headers, body } as Dispatcher.DispatchOptions, reception)
  return reception
}

type Head = Pick<Received, 'status' | 'statusText' | 'headers'>

class Reception implements Dispatcher.DispatchHandler, Sent {
  readonly received: Promise<Received>
  readonly #question: Question
  readonly #terms: ReceptionTerms
  readonly #deadlines: AnswerDeadlines
  #resolve!: (received: Received) => void
  #reject!: (error: Error) => void
  #controller: Dispatcher.DispatchController | null = null
  #givenUp: Error | null = null
  #head: Head | null = null
  #isProven = true
  #isJson = false
  /** Of a body that is received whole. */
  readonly #gathered = new GatheredBytes()
  /** All of it so far, as long as it is one piece: nearly always, and then it is not copied. */
  #only: Buffer | null = null
  #stream: BodyStream | null = null
  #isPaused = false
  #isSent = false
  #hasFailed = false
  /** Head and body are in other hands. */
  #isGiven = false

  constructor(question: Question, terms: ReceptionTerms, patience: AnswerPatience) {
    this.#question = question
    this.#terms = terms
    this.#deadlines = new AnswerDeadlines(patience, terms.totalMs, (reason) => this.abort(reason))
    this.received = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get hasBegun(): boolean {
    return this.#head !== null
  }

  abort(reason: Error): void {
    this.#givenUp = reason
    // Before the request has a connection there is nothing to abort, and nobody waits for there to be.
    if (this.#controller === null) this.onResponseError(null, reason)
    else this.#controller.abort(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#givenUp !== null) {
      controller.abort(this.#givenUp)
      return
    }
    // undici calls this with a connection at hand, and writes the head when it returns. Up to here (waiting for a
    // connection, its name, its handshake) nothing has left; from here on the outcome depends on the upstream.
    // guard: byte-has-left
    this.#isSent = true
    this.#question.onSend?.()
    this.#awaitHead()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: AnswerFields,
    statusText = '',
  ): void {
    if (status < 100 || status === 101) {
      // Below 100 undici would take it for an interim answer, and find at its end that it can't be one. What comes
      // behind 101 is in another protocol, which nobody has asked for.
      this.abort(new ImpossibleStatus())
      return
    }
    // An interim answer. RFC 9110 section 15.2: the final one is still to come.
    if (status < 200) {
      this.#question.onInterim?.(status, rawOf(controller))
      return
    }
    this.#deadlines.awaitBody()
    const framing = framingOf(this.#question.method, status, headers)
    if (framing === 'coded') {
      this.abort(new UnknownCoding())
      return
    }
    this.#head = { status, statusText, headers: rawOf(controller) }
    this.#isProven = framing !== 'close' || this.#terms.isCloseProof
    // undici takes the length in it for that of a body, and breaks off: what it says then comes too late.
    if (framing === 'none') this.#give(Buffer.alloc(0))
    else if (!this.#isAwaited(framing, headers)) this.#beginStream()
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#deadlines.moved()
    if (this.#stream !== null) {
      // guard: held-upstream
      if (!this.#stream.push(chunk)) this.#pause()
      return
    }
    this.#gather(chunk)
    if (this.#body().length > this.#terms.maxWholeBytes) this.#beginStream()
  }

  onResponseEnd(): void {
    this.#deadlines.stop()
    if (this.#stream !== null) this.#stream.end()
    else if (this.#isProven) this.#give(this.#body())
    else this.#giveUnproven()
  }

  onResponseError(_controller: unknown, error: Error): void {
    // What was given up before it had a connection fails anew when it gets one.
    if (this.#hasFailed) return
    this.#hasFailed = true
    const { body } = this.#question
    // undici destroys it only once it has begun to read it.
    if (isStream(body)) body.on('error', () => {}).destroy(error)
    const kind = upstreamFault(error)
    // Nothing, once the head was given. It may have failed to be, with a stream made already.
    // guard: truncated-answer
    this.#reject(kind === null ? error : this.#failed(kind, error))
    // guard: fault-in-body
    if (kind === null && this.#isGiven && error !== this.#givenUp) this.#question.onFault(error)
    this.#stream?.destroy(error)
    this.#deadlines.stop()
  }

  #failed(kind: FaultKind, reason: unknown): UpstreamFailed {
    const failed = new UpstreamFailed(kind, reason, causeOf(reason, this.#stage))
    this.#question.onFailed?.(failed, this.#isGiven)
    return failed
  }

  get #stage(): CallStage {
    if (this.hasBegun) return 'answering'
    return this.#isSent ? 'sent' : 'connecting'
  }

  #awaitHead(): void {
    const { body } = this.#question
    if (!isStream(body) || body.readableEnded) this.#deadlines.sent()
    else {
      this.#deadlines.sending()
      body.once('end', () => {
        // It may have answered before it had all.
        if (!this.hasBegun && this.#givenUp === null) this.#deadlines.sent()
      })
    }
  }

  #pause(): void {
    this.#isPaused = true
    this.#deadlines.stop()
    this.#controller?.pause()
  }

  /** A pause that the upstream could not end does not count. */
  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#deadlines.awaitBody()
    this.#controller?.resume()
  }

  /** Whether the body is to be given whole, if it is short enough. */
  #isAwaited(framing: Framing, headers: AnswerFields): boolean {
    const { waitsForUnannounced, maxWholeBytes } = this.#terms
    if (framing === 'length') return Number(headers['content-length']) <= maxWholeBytes
    this.#isJson = isJson(headers['content-type'])
    return waitsForUnannounced || (!this.#isProven && this.#isJson)
  }

  #gather(chunk: Buffer): void {
    if (this.#only === null && this.#gathered.length === 0) this.#only = chunk
    else {
      if (this.#only !== null) this.#gathered.add(this.#only)
      this.#only = null
      this.#gathered.add(chunk)
    }
  }

  #body(): Buffer {
    return this.#only ?? this.#gathered.bytes()
  }

  #beginStream(): void {
    const stream = new BodyStream({
      resume: () => this.#resume(),
      abort: (reason) => this.abort(reason),
      faulted: (error) => this.#question.onFault(error),
    })
    this.#stream = stream
    this.#deadlines.streams()
    const begun = this.#body()
    if (begun.length > 0 && !stream.push(begun)) this.#pause()
    this.#give(this.#isProven ? stream : withoutEnd(stream))
  }

  /** All has come that will. */
  #giveUnproven(): void {
    const body = this.#body()
    // guard: broken-json
    if (this.#isJson && isBrokenJson(body)) {
      this.#reject(this.#failed('unreachable', new BrokenBody()))
    } else this.#give(withoutEnd([Buffer.from(body)]))
  }

  #give(body: Buffer | Readable): void {
    const { status, statusText, headers } = this.#head as Head
    this.#resolve({ status, statusText, headers, body, isProven: this.#isProven })
    this.#isGiven = true
  }
}

function isStream(body: Question['body']): body is Readable {
  return body !== null && !Buffer.isBuffer(body)
}

function rawOf({ rawHeaders }: Dispatcher.DispatchController): string[] {
  return ((rawHeaders ?? []) as readonly (Buffer | string)[]).map(textOf)
}

function textOf(bytes: Buffer | string): string {
  return typeof bytes === 'string' ? bytes : bytes.toString('latin1')
}

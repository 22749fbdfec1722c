/**
 * One connection of the wire front end: bytes in, answers out, in order. What it recognises goes through
 * the same pipeline as everything else; what it does not goes to Node's server with nothing consumed.
 */
import type { Socket } from 'node:net'
import type { Reporter } from '../cache/report.ts'
import type { WireAnswer } from '../http/answer.ts'
import type { Exchange, PassOn } from '../http/exchange.ts'
import { type Peer, peerOf } from '../http/forwarded.ts'
import { type InterimAnswer, writeInterimTo } from '../http/interim.ts'
import type { Passage } from '../http/passage.ts'
import type { Pipeline } from '../http/pipeline.ts'
import { giveUp, NO_REQUEST_ID, writeAnswer, writeProblem } from '../http/respond.ts'
import type { RawRequest, RequestHead } from '../http/validate.ts'
import type { Clock } from '../lib/clock.ts'
import { isEnding, type Lingering } from '../lib/lingering.ts'
import { Presence } from '../lib/presence.ts'
import { type Answering, WireExchange } from './exchange.ts'
import type { IdleWatch, Watched } from './idle.ts'
import { listenTo } from './input.ts'
import { type Lent, lend } from './lent.ts'
import type { Output, Pieces } from './output.ts'
import { Recogniser } from './recognise.ts'
import { isWhole, piecesOf, type Trailing } from './text.ts'

export interface ConnectionDependencies {
  readonly pipeline: Pick<Pipeline, 'proceed'>
  readonly clock: Clock
  readonly newRequestId: () => string
  readonly trailing: Trailing
  /** Shared by all connections: empty whenever other work can run. */
  readonly output: Output
  readonly passOn: Pick<PassOn, 'withoutContent'>
  /** Node's server takes the connection for good, and whatever is still to be read from it. */
  readonly handOver: (socket: Socket) => void
  /** True: every answer is its connection's last. */
  readonly isDraining: () => boolean
  /** Ends the connections on which an answer is the last one. */
  readonly lingering: Pick<Lingering, 'end'>
  readonly idle: Pick<IdleWatch, 'next'>
  readonly reporter: Pick<Reporter, 'faulted'>
}

/** Stands for the request on which a fault of our own occurred. */
const UNKNOWN_REQUEST = { method: 'GET' }

/** A head that is not complete after so long is left to Node's server and its deadlines. */
const PATIENCE_MS = 500
/** So many bytes of requests wait behind one that is being answered; the rest waits in the kernel. */
const MAX_WAITING_BYTES = 65_536

export class WireConnection implements Answering, Watched {
  readonly #socket: Socket
  readonly #deps: ConnectionDependencies
  readonly #recogniser: Recogniser
  readonly #stopListening: () => void
  /** Received and not consumed: one character a byte, from `#at` on. */
  #text = ''
  #at = 0
  /** Monotonic milliseconds at which the head began that is not complete yet. */
  #incompleteSince: number | null = null
  /** A request is being answered; those behind it wait. */
  #isBusy = false
  /** The client does not read what is written. */
  #isBlocked = false
  #isAdvancing = false
  #hasEnded = false
  #lent: Lent | null = null
  /** Of the client, for whoever works on the last request that passed through. */
  #presence: Presence | null = null
  /** The look of the watch that came next when something was last done. */
  #lastBusy: number

  constructor(socket: Socket, dependencies: ConnectionDependencies) {
    this.#socket = socket
    this.#deps = dependencies
    this.#recogniser = new Recogniser(dependencies.newRequestId)
    this.#stopListening = listenTo(socket, this.#onText)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('timeout', this.#onTimeout)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    this.#lastBusy = dependencies.idle.next
  }

  get idleSince(): number | null {
    const isIdle = !this.#isBusy && !this.#isBlocked && this.#incompleteSince === null
    return isIdle ? this.#lastBusy : null
  }

  /** Ends it now if nothing is under way, and else with the answer that is. */
  endWhenIdle(): void {
    if (!this.#isBusy) this.#end()
  }

  readonly #onText = (text: string): void => {
    this.#text = this.#at < this.#text.length ? this.#text.slice(this.#at) + text : text
    this.#at = 0
    if (!this.#isBusy && !this.#isBlocked) this.#attempt()
    // guard: waiting-bytes
    else if (this.#text.length > MAX_WAITING_BYTES) this.#socket.pause()
  }

  readonly #onDrain = (): void => {
    this.#isBlocked = false
    this.#lastBusy = this.#deps.idle.next
    this.#lent?.res.emit('drain')
    this.#socket.resume()
    if (!this.#isBusy) this.#attempt()
  }

  /**
   * Who has sent all it will may still wait for its answer, and gets it, if that costs nothing that others would
   * not have. What passes through is given up. Within an answer that Node's objects write, it is taken to have gone, as Node's server takes it: what is written is sent, and where more was to come, the API's
   * connection is not kept for a reader that is not there (RFC 9112 section 9.5).
   */
  readonly #onEnd = (): void => {
    this.#hasEnded = true
    this.#presence?.gone()
    if (this.#lent !== null || (!this.#isBusy && !this.#isBlocked)) this.#end()
  }

  readonly #onTimeout = (): void => {
    if (!this.#isBusy && this.#incompleteSince !== null) this.#handOver()
  }

  readonly #onClose = (): void => {
    this.#presence?.gone()
  }

  readonly #onError = (): void => {
    this.#socket.destroy()
  }

  /** A fault of our own costs the request and its connection, never the process. */
  #attempt(): void {
    try {
      this.#advance()
    } catch (error) {
      this.#isAdvancing = false
      this.#isBusy = true
      // guard: fault-costs-connection
      this.#deps.reporter.faulted(error, NO_REQUEST_ID)
      const { req, res } = this.#lent ?? this.#lend(UNKNOWN_REQUEST)
      writeProblem(req, res, 'internal_error', NO_REQUEST_ID, { wasSent: true })
    }
  }

  /** Answers what can be answered now, and writes it all at once. */
  #advance(): void {
    this.#isAdvancing = true
    while (!this.#isBusy && !this.#isBlocked && this.#at < this.#text.length) {
      const found = this.#recogniser.recognise(this.#text, this.#at)
      if (found.kind === 'incomplete' && this.#mayWait()) break
      if (found.kind !== 'request') {
        this.#handOver()
        return
      }
      if (this.#incompleteSince !== null) this.#completed()
      this.#at = found.end
      this.#serve(found.raw, found.head)
    }
    this.#isAdvancing = false
    this.#flush()
  }

  #mayWait(): boolean {
    const now = this.#deps.clock.monotonic()
    if (this.#incompleteSince === null) {
      this.#incompleteSince = now
      this.#socket.setTimeout(PATIENCE_MS)
    }
    return now - this.#incompleteSince < PATIENCE_MS
  }

  #completed(): void {
    this.#incompleteSince = null
    this.#socket.setTimeout(0)
  }

  #serve(raw: RawRequest, head: RequestHead): void {
    this.#isBusy = true
    const exchange = new WireExchange(raw, this)
    this.#deps.pipeline.proceed(exchange, head, this.#deps.clock.monotonic())
  }

  /** @internal of `WireExchange` */
  answer(raw: RawRequest, answer: WireAnswer): void {
    if (this.#socket.destroyed) {
      giveUp(answer)
      return
    }
    if (!isWhole(answer)) {
      writeAnswer(this.#lend(raw).res, answer)
      return
    }
    const isLast = this.#deps.isDraining() || this.#hasEnded
    const { output, trailing } = this.#deps
    const content = raw.method === 'HEAD' ? null : (answer.body as Buffer | null)
    const pieces = piecesOf(answer, trailing.of(answer, isLast), content)
    if (!output.append(pieces)) {
      this.#flush()
      if (!output.append(pieces)) this.#writeLong(pieces)
    }
    this.#finished(isLast)
  }

  get peer(): Peer {
    return peerOf(this.#socket)
  }

  /** @internal of `WireExchange` */
  readonly inform = (interim: InterimAnswer): void => writeInterimTo(this.#socket, interim)

  /** @internal of `WireExchange` */
  problem(raw: RawRequest, ...problem: Parameters<Exchange['problem']>): number {
    const { req, res } = this.#lend(raw)
    return writeProblem(req, res, ...problem)
  }

  /** @internal of `WireExchange` */
  passOn(exchange: Exchange, passage: Passage): void {
    this.#presence = new Presence()
    this.#deps.passOn.withoutContent(exchange, passage, this.#presence)
  }

  #lend(raw: Pick<RawRequest, 'method'>): Lent {
    this.#flush()
    const lent = lend(this.#socket, raw, () => {
      this.#lent = null
      const isLast = isEnding(this.#socket) || this.#deps.isDraining() || this.#hasEnded
      this.#finished(isLast)
    })
    this.#lent = lent
    return lent
  }

  #finished(isLast: boolean): void {
    if (isLast) {
      this.#flush()
      this.#end()
      return
    }
    this.#isBusy = false
    this.#lastBusy = this.#deps.idle.next
    if (this.#isAdvancing) return
    this.#flush()
    if (this.#isBlocked) return
    this.#attempt()
    if (!this.#isBusy) this.#socket.resume()
  }

  #writeLong({ start, own, told, trailing, body }: Pieces): void {
    const head = Buffer.concat([start, Buffer.from(own + told, 'latin1'), trailing])
    this.#socket.cork()
    this.#socket.write(head)
    if (!this.#socket.write(body)) this.#block()
    this.#socket.uncork()
  }

  #flush(): void {
    // guard: held-answers
    if (!this.#deps.output.flush(this.#socket)) this.#block()
  }

  /** Until it has read, the client is not listened to. If it never does, `ReaderWatch` ends the connection. */
  #block(): void {
    this.#isBlocked = true
    this.#socket.pause()
  }

  #end(): void {
    this.#isBusy = true
    this.#stopListening()
    this.#deps.lingering.end(this.#socket)
  }

  #handOver(): void {
    this.#isAdvancing = false
    this.#isBusy = true
    this.#flush()
    const socket = this.#socket
    this.#stopListening()
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('timeout', this.#onTimeout)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.setTimeout(0)
    const rest = this.#text.slice(this.#at)
    this.#text = ''
    socket.pause()
    if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'))
    this.#deps.handOver(socket)
    socket.resume()
  }
}

/** One call to the upstream: what is sent, on which terms, and what comes back. Types only. */
import type { Readable } from 'node:stream'
import type { UpstreamFailed } from './faults.ts'

export interface Received {
  readonly status: number
  /** As undici read it: UTF-8. */
  readonly statusText: string
  /** Names and values in turn, one character a byte. */
  readonly headers: readonly string[]
  /** A part of a larger buffer, perhaps: to be copied by who keeps it. A stream is to be consumed or destroyed. */
  readonly body: Buffer | Readable
  /** False: nothing shows that the body is whole. It is a stream, then, and ends with an error. */
  readonly isProven: boolean
}

/** Which bodies are received whole. */
export interface BodyTerms {
  readonly maxWholeBytes: number
  /** Whether a body of unknown length is waited for too, up to that size. */
  readonly waitsForUnannounced: boolean
}

export interface ReceptionTerms extends BodyTerms {
  /** Milliseconds from now to what is given: a body that is whole, or the head of one that is not. */
  readonly totalMs: number
  /** Whether the end of the connection shows that a body which nothing else delimits is whole. */
  readonly isCloseProof: boolean
}

/** What is sent. */
export interface Question {
  /** Any token: undici's type names only the usual ones. */
  readonly method: string
  /** With query. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Readable | Buffer | null
  /** Called once, right before the first byte is written to a connection; never, if none is. */
  readonly onSend?: () => void
  /** Of each interim answer: its status, and names and values in turn. */
  readonly onInterim?: (status: number, headers: readonly string[]) => void
  /** The call has failed; `isGiven`: once the answer was handed over as a stream, and else before `received` rejects. */
  readonly onFailed?: (failed: UpstreamFailed, isGiven: boolean) => void
  /** A fault of our own that came once the body was handed over as a stream: it can only be logged. */
  readonly onFault: (error: unknown) => void
}

/** A request on its way. */
export interface Sent {
  /** Rejects with UpstreamFailed, with the reason for giving up, or with a fault of our own. */
  readonly received: Promise<Received>
  /** The head of the answer is here. */
  readonly hasBegun: boolean
  /** Gives up. What streams by then fails. */
  abort(reason: Error): void
}

/**
 * Ends requests whose content does not come: after a pause, or when it comes too slowly on the whole. How long it takes
 * depends on its length and on the client's connection, so no fixed time for all of it is right.
 *
 * One timer looks after all of them. Time counts only while the content is read: who waits for us is not late.
 */
import type { IncomingMessage } from 'node:http'

export interface ContentLimits {
  /** Longest time in which nothing of the content comes. Milliseconds. */
  readonly pauseMs: number
  /** Least mean rate, after `GRACE_MS`; 0: none. */
  readonly bytesPerSecond: number
}

/** So much time has every content. Milliseconds. */
export const GRACE_MS = 15_000
/** A pause is noticed late by an eighth of it at most, and never early. */
const LOOKS = 8
const LONGEST_BETWEEN_MS = 500

export type Incoming = Pick<IncomingMessage, 'complete' | 'readableFlowing'> & {
  readonly socket: { readonly bytesRead: number }
}

interface Progress {
  /** Bytes of the connection when the content began, and at the last look. */
  readonly from: number
  readonly now: number
  /** Looks since the last byte, and since the content began, at which it was being read. */
  readonly idle: number
  readonly all: number
}

export class ContentWatch<T extends Incoming> {
  readonly #limits: ContentLimits
  readonly #betweenMs: number
  readonly #onLate: (request: T) => void
  readonly #watched = new Map<T, Progress>()
  readonly #timer: NodeJS.Timeout

  /** @param onLate called once for a request whose content does not come in time */
  constructor(limits: ContentLimits, onLate: (request: T) => void) {
    this.#limits = limits
    this.#betweenMs = Math.min(LONGEST_BETWEEN_MS, limits.pauseMs / LOOKS)
    this.#onLate = onLate
    this.#timer = setInterval(() => this.look(), this.#betweenMs)
    this.#timer.unref()
  }

  add(request: T): void {
    const { bytesRead } = request.socket
    this.#watched.set(request, { from: bytesRead, now: bytesRead, idle: 0, all: 0 })
  }

  delete(request: T): void {
    this.#watched.delete(request)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  look(): void {
    for (const [request, progress] of this.#watched) {
      const next = request.complete ? null : after(progress, request)
      if (next === null) this.#watched.delete(request)
      else if (this.#isLate(next)) {
        this.#watched.delete(request)
        // guard: slow-content
        this.#onLate(request)
      } else this.#watched.set(request, next)
    }
  }

  #isLate({ from, now, idle, all }: Progress): boolean {
    const { pauseMs, bytesPerSecond } = this.#limits
    if ((idle - 1) * this.#betweenMs >= pauseMs) return true
    if (bytesPerSecond === 0) return false
    const allowedMs = GRACE_MS + ((now - from) / bytesPerSecond) * 1_000
    return (all - 1) * this.#betweenMs >= allowedMs
  }
}

function after({ from, now, idle, all }: Progress, request: Incoming): Progress {
  const { bytesRead } = request.socket
  const isRead = request.readableFlowing === true
  if (bytesRead > now) return { from, now: bytesRead, idle: 0, all: all + Number(isRead) }
  return { from, now, idle: isRead ? idle + 1 : 0, all: all + Number(isRead) }
}

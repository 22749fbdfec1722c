/**
 * The end of a connection on which nothing more is answered. Its side is closed, and what the client still sends is read
 * and thrown away until it ends its own: closed with bytes unread, the connection would be reset, and a reset takes the
 * answer from a client that has not read it yet (RFC 9112 section 9.6).
 */
import type { Socket } from 'node:net'

/**
 * Connections on which nothing more is answered. Node goes on parsing what came in the same packet, and RFC 9112 section
 * 9.6 forbids to process it: after framing that is in doubt, a "request" may be content.
 */
const ending = new WeakSet<Socket>()

export function markEnding(socket: Socket): void {
  ending.add(socket)
}

export function isEnding(socket: Socket): boolean {
  return ending.has(socket)
}

/** Milliseconds from the last byte of the answer on. */
export interface LingerLimits {
  /** Longest time in which the client neither sends nor ends. */
  readonly pauseMs: number
  /** Longest time for all that it sends. */
  readonly totalMs: number
}

/** What nginx has as its defaults: a client that sends all of its content before it reads finds the answer then. */
const LIMITS: LingerLimits = { pauseMs: 5_000, totalMs: 30_000 }
/** For a client that is at fault by its slowness, and while the process ends. */
export const BRIEF: LingerLimits = { pauseMs: 1_000, totalMs: 1_000 }

export class Lingering {
  readonly #limits: LingerLimits
  readonly #sockets = new Set<Socket>()
  #isHurried = false

  constructor(limits: LingerLimits = LIMITS) {
    this.#limits = limits
  }

  /** The process ends: no connection is waited for long from here on. */
  hurry(): void {
    this.#isHurried = true
    for (const socket of this.#sockets) if (socket.writableFinished) limit(socket, BRIEF)
  }

  /**
   * Sends what is last, and ends the connection in time, whatever the client does. A second call changes nothing.
   *
   * @param bytes latin1 text: head and content of the answer, where it was not written yet
   */
  end(socket: Socket, bytes = '', limits: LingerLimits = this.#limits): void {
    markEnding(socket)
    if (socket.destroyed || this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    discard(socket)
    const closeIfEnded = (): void => {
      if (socket.readableEnded && socket.writableFinished) socket.destroy()
    }
    socket.once('end', closeIfEnded)
    socket.end(bytes, 'latin1', () => {
      closeIfEnded()
      // guard: linger-ends
      if (!socket.destroyed) limit(socket, this.#isHurried ? BRIEF : limits)
    })
  }
}

function limit(socket: Socket, { pauseMs, totalMs }: LingerLimits): void {
  const close = (): void => void socket.destroy()
  socket.setTimeout(pauseMs, close)
  const timer = setTimeout(close, totalMs)
  socket.once('close', () => clearTimeout(timer))
}

/**
 * Takes the place of whoever has read the connection, Node's parser among them: it would keep each request that it finds.
 * The parser reads past the stream, and stops the handle when content is not read. The stream knows of neither, and takes a
 * read for under way that is none; so it is begun by hand.
 */
function discard(socket: Socket): void {
  // With a listener for `data` the parser gives the handle back to the stream.
  socket.on('data', ignore)
  for (const listener of socket.listeners('data') as (() => void)[]) {
    if (listener !== ignore) socket.off('data', listener)
  }
  // guard: lingering-close
  socket.resume()
  socket._read(0)
}

function ignore(): void {}

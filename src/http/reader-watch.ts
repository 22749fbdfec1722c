/**
 * Closes connections whose client takes nothing of what it is sent: whoever has asked for a long answer and does not read
 * it holds a connection to the API, or memory. Who reads slowly goes on, as long as the other side acknowledges bytes.
 *
 * One timer looks after all connections, and only at those that wait for their client: nothing is done for the others.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket, Server as TlsServer } from 'node:tls'
import { queueOf, readSendQueues, type SendQueues } from '../lib/send-queues.ts'

/** So many looks to a timeout: a connection is closed late by two of them at most, and never early. */
const LOOKS = 8

type Watched = Pick<Socket, 'bytesWritten' | 'writableLength' | 'localPort' | 'remotePort'>

/** How far the client of a connection has come, while more waits for it. */
interface Stall {
  /** Bytes that Node has handed to the kernel. */
  readonly handed: number
  /** Bytes that the kernel has not handed to the client; null: it was not asked yet. */
  readonly queued: number | null
  /** The look since which neither has changed. */
  readonly since: number
}

export interface ReaderWatchDependencies<T> {
  readonly readQueues: () => Promise<SendQueues>
  /** Closes a connection. */
  readonly close: (socket: T) => void
}

export class ReaderWatch<T extends Watched> {
  readonly #deps: ReaderWatchDependencies<T>
  readonly #watched = new Set<T>()
  readonly #stalls = new WeakMap<T, Stall>()
  readonly #timer: NodeJS.Timeout
  #look = 0
  #isLooking = false

  /** @param timeoutMs how long a client may take nothing */
  constructor(timeoutMs: number, dependencies: ReaderWatchDependencies<T>) {
    this.#deps = dependencies
    this.#timer = setInterval(() => void this.look(), timeoutMs / LOOKS)
    this.#timer.unref()
  }

  add(socket: T): void {
    this.#watched.add(socket)
  }

  delete(socket: T): void {
    this.#watched.delete(socket)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#look++
    const stalled = [...this.#watched].filter((socket) => this.#isStalled(socket))
    // The list of all connections is read only if some client seems to take nothing.
    if (stalled.length > 0) {
      const queues = await this.#deps.readQueues()
      for (const socket of stalled) this.#judge(socket, queueOf(queues, socket))
    }
    this.#isLooking = false
  }

  /** Whether nothing could be handed to the kernel since the last look, and more waits. */
  #isStalled(socket: T): boolean {
    if (socket.writableLength === 0) {
      this.#stalls.delete(socket)
      return false
    }
    const handed = handedTo(socket)
    if (this.#stalls.get(socket)?.handed === handed) return true
    this.#stalls.set(socket, { handed, queued: null, since: this.#look })
    return false
  }

  #judge(socket: T, queued: number): void {
    const stall = this.#watched.has(socket) ? this.#stalls.get(socket) : undefined
    if (stall === undefined || stall.handed !== handedTo(socket)) return
    // guard: acknowledged-bytes
    const hasMoved = stall.queued !== null && stall.queued !== queued
    const since = hasMoved ? this.#look : stall.since
    this.#stalls.set(socket, { ...stall, queued, since })
    // guard: unread-answer
    if (this.#look - since > LOOKS) this.#deps.close(socket)
  }
}

/** What waits in the stream counts as written too. */
function handedTo({ bytesWritten, writableLength }: Watched): number {
  return bytesWritten - writableLength
}

/** @param server not listening yet */
export function watchReaders(server: Server, timeoutMs: number, onClose: () => void): void {
  const close = (socket: Socket): void => {
    // What is in the kernel goes with a reset; otherwise it would be kept for minutes. Node has none for TLS.
    if (socket instanceof TLSSocket) socket.destroy()
    else socket.resetAndDestroy()
    onClose()
  }
  const watch = new ReaderWatch(timeoutMs, { readQueues: () => readSendQueues(), close })
  server.once('close', () => watch.stop())
  // A TLS server's `connection` is the handshake.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    watch.add(socket)
    socket.once('close', () => watch.delete(socket))
  })
}

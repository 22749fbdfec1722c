/**
 * Connections to the upstream: the certificate is always verified, and it is remembered of an error whether
 * its connection had served before. Only then may a read be sent again: the upstream was closing a connection
 * that was idle, and has not looked at the request.
 */
import type { Socket } from 'node:net'
import { buildConnector, errors } from 'undici'
import { failWhenReset } from './cut-connections.ts'
import { certificateExpiry } from './peer-certificate.ts'
import { skipContinue } from './skipped-continue.ts'

export class Connector {
  readonly connect: buildConnector.connector
  /** Verifies by the authorities that are trusted now. */
  #dial: buildConnector.connector
  readonly #inUse = new WeakSet<object>()
  readonly #open = new Set<Socket>()
  #connecting = 0
  #certificateExpiresAt: number | null = null

  /** @param ca PEM of the authorities to trust in place of the system's; null: the system's */
  constructor(timeoutMs: number, ca: string | null) {
    this.#dial = dialTrusting(ca)
    this.connect = (options, callback) => {
      this.#connecting++
      // It returns the socket at once, whatever its type says.
      // guard: names-are-not-remembered
      const connecting = this.#dial(options, (...[error, socket]) => {
        clearTimeout(timer)
        this.#connecting--
        if (error !== null) {
          callback(error, null)
          return
        }
        this.#open.add(socket)
        this.#certificateExpiresAt = certificateExpiry(socket)
        socket.once('close', () => this.#open.delete(socket))
        failWhenReset(socket)
        skipContinue(socket)
        socket.on('error', (cause: Error) => {
          if (socket.bytesRead > 0) this.#inUse.add(cause)
        })
        callback(null, socket)
      }) as unknown as Socket
      // guard: connect-deadline
      const timer = setTimeout(() => {
        connecting.destroy(new errors.ConnectTimeoutError('the deadline for connecting has passed'))
      }, timeoutMs)
    }
  }

  /** From now on; connections that there are stay as they are. Sessions from before are not resumed. */
  trust(ca: string): void {
    this.#dial = dialTrusting(ca)
  }

  /** Connections that are being made: name, connection, handshake. */
  get connecting(): number {
    return this.#connecting
  }

  /** Of the certificate that was shown last: milliseconds since 1970-01-01 UTC; null: none was. */
  get certificateExpiresAt(): number | null {
    return this.#certificateExpiresAt
  }

  /** Connections that are there. */
  get open(): number {
    return this.#open.size
  }

  /** Whether a connection that had served before ended without the head of an answer. */
  diedInUse(error: unknown): boolean {
    const { code, socket } = error as {
      readonly code?: unknown
      readonly socket?: { readonly bytesRead?: number }
    }
    // An end without an error of the socket's own: undici makes one, and tells of the socket.
    if (code === 'UND_ERR_SOCKET') return (socket?.bytesRead ?? 0) > 0
    return typeof error === 'object' && error !== null && this.#inUse.has(error)
  }
}

function dialTrusting(ca: string | null): buildConnector.connector {
  return buildConnector({
    // undici counts in half seconds, and would be late by as much: the deadline is kept by `Connector`.
    timeout: 0,
    // guard: upstream-certificate
    rejectUnauthorized: true,
    ...(ca === null ? {} : { ca }),
  })
}

/**
 * Connections to the upstream: the certificate is always verified, and it is remembered of an error whether
 * its connection had served before. Only then may a read be sent again: the upstream was closing a connection
 * that was idle, and has not looked at the request.
 */
import { buildConnector } from 'undici'

export class Connector {
  readonly connect: buildConnector.connector
  readonly #inUse = new WeakSet<object>()

  /** @param ca PEM of the authorities to trust in place of the system's; null: the system's */
  constructor(timeoutMs: number, ca: string | null) {
    const connect = buildConnector({
      timeout: timeoutMs,
      rejectUnauthorized: true,
      ...(ca === null ? {} : { ca }),
    })
    this.connect = (options, callback) => {
      connect(options, (...[error, socket]) => {
        socket?.on('error', (cause: Error) => {
          if (socket.bytesRead > 0) this.#inUse.add(cause)
        })
        if (error === null) callback(null, socket)
        else callback(error, null)
      })
    }
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

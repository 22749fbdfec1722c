/** The end of a connection on which nothing more is read. */
import type { Socket } from 'node:net'

/** What a client has to take the answer and end its side. */
const LINGER_MS = 1_000

/**
 * Sends what is last, and ends the connection in time, whatever the client does. What it still sends is of no interest,
 * but unread bytes would turn the end into a reset, which may overtake the answer (RFC 9112 section 9.6).
 *
 * @param bytes latin1 text: head and content of the answer
 */
export function endWith(socket: Socket, bytes: string): void {
  // guard: linger-ends
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.end(bytes, 'latin1')
  socket.resume()
}

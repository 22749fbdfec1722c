/**
 * A connection that is reset has not ended: what it was bringing is cut off (RFC 9112 section 8). Two take a reset within
 * a body that only the end of the connection delimits for that end:
 *
 * - undici, by the code of the error. So the code is another one by the time undici looks.
 * - libuv, where bytes and the reset behind them are read at once, as from a connection that was not read for a while: it
 *   tells of an end. The kernel knows better: a connection that was reset has no peer any more, one that has ended has.
 */
import type { Socket } from 'node:net'

/** What Linux says of a connection that was ended from this side; it stands for a reset. */
const CUT = 'ECONNABORTED'

/** @param socket to which nobody else listens yet: listeners are called in their order */
export function failWhenReset(socket: Socket): void {
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // guard: reset-is-no-end
    if (error.code === 'ECONNRESET') error.code = CUT
  })
  const push = socket.push.bind(socket)
  socket.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
    // guard: reset-read-as-end
    if (piece === null && !hasPeer(socket)) {
      socket.destroy(Object.assign(new Error('the connection was reset'), { code: CUT }))
      return false
    }
    return push(piece, encoding)
  }
}

/** Right only if it was not asked of this socket before: Node remembers the answer. */
function hasPeer(socket: Socket): boolean {
  return socket.remoteAddress !== undefined
}

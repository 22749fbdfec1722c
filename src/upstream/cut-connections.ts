/**
 * A connection that is reset has not ended: what it was bringing is cut off (RFC 9112 section 8). undici takes a reset
 * within a body that only the end of the connection delimits for that end, by the code of the error. So the code is
 * another one by the time undici looks.
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
}

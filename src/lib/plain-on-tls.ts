/**
 * Plain HTTP on a listener of TLS: it is answered, where OpenSSL would close the connection without a word. The
 * first byte decides: a TLS record begins with a number below 32 (RFC 8446 section 5.1), a method with a letter.
 */
import type { Socket } from 'node:net'

/** For the first byte. Milliseconds. */
const FIRST_BYTE_MS = 10_000

/** @param then gets the connection paused, with all that came still to be read */
export function whenFirstByte(
  socket: Socket,
  then: (isPlain: boolean) => void,
  timeoutMs = FIRST_BYTE_MS,
): void {
  const close = (): void => void socket.destroy()
  // guard: first-byte-time
  const timer = setTimeout(close, timeoutMs)
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', close).off('close', stop)
  }
  const onData = (piece: Buffer): void => {
    stop()
    socket.pause()
    // TLS reads by itself what has come already.
    socket.unshift(piece)
    then(isLetter(piece[0] ?? 0))
  }
  // Who has read the connection before may have paused it.
  socket.on('data', onData).on('end', close).on('close', stop).resume()
}

function isLetter(byte: number): boolean {
  const upper = byte & 0xdf
  return upper >= 0x41 && upper <= 0x5a
}

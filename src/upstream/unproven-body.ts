/**
 * Bodies that nothing shows to be whole. Over TLS the end of a connection is no proof of it: only a `close_notify` alert
 * is (RFC 9112 section 9.8), and Node does not tell one from a bare end of the TCP connection, which anybody on the way
 * can cause. Such a body is never stored, and leaves without a proper end, so that its reader knows no more than we do.
 */
import { Readable } from 'node:stream'

/** All that came was handed over, and whether it is all there is can't be known. */
export class UnprovenEnd extends Error {
  override readonly name = 'UnprovenEnd'

  constructor() {
    super('the end of the connection does not show that the body is whole')
  }
}

/** @param type values of `Content-Type` */
export function isJson(type: string | string[] | undefined): boolean {
  return (
    typeof type === 'string' && /^[ \t]*application\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i.test(type)
  )
}

/** Whether JSON is plainly cut off, or none. */
export function isBrokenJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return false
  } catch {
    return true
  }
}

/** All of `body`, and then an error in place of its end. Who destroys it, destroys `body`. */
export function withoutEnd(body: Readable | readonly Buffer[]): Readable {
  const stream = Readable.from(failingAtEnd(body))
  // As for any body: who reads it hears of the error by the read.
  stream.on('error', () => {})
  // A generator that was not begun has nothing to clean up.
  if (body instanceof Readable) stream.once('close', () => body.destroy())
  return stream
}

async function* failingAtEnd(body: Readable | readonly Buffer[]): AsyncGenerator<Buffer> {
  for await (const piece of body) yield piece as Buffer
  // guard: unproven-end
  throw new UnprovenEnd()
}

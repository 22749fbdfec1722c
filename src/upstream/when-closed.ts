import type { Readable } from 'node:stream'

/** Calls `done` once `stream` holds its connection no longer: read to its end, failed or destroyed, now or before. */
export function whenClosed(stream: Readable, done: () => void): void {
  if (stream.closed) done()
  else stream.once('close', done)
}

/** Interim answers on their way to the client. They carry nothing that must arrive: where one can't be written now, it is dropped. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HeaderList } from '../cache/records.ts'

export interface InterimAnswer {
  readonly status: 102 | 103
  readonly headers: HeaderList
}

/** So many of one request; an upstream that goes on and on is not followed. */
export const MAX_INTERIM_ANSWERS = 32

const REASONS = { 102: 'Processing', 103: 'Early Hints' } as const

/** As it goes on the wire: one character a byte. */
export function interimText({ status, headers }: InterimAnswer): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join('')}\r\n`
}

/**
 * Writes it before the answer, past Node's object, which writes interim answers of its own forms only. Node gives the
 * socket to the answer whose turn it is.
 */
export function writeInterim(res: ServerResponse, interim: InterimAnswer): void {
  const { socket, req } = res
  // guard: interim-in-turn
  if (socket === null || res.headersSent || res.destroyed) return
  // RFC 9110 section 15.2: never to a client of HTTP/1.0.
  // guard: interim-version
  if (req.httpVersion === '1.1') writeInterimTo(socket, interim)
}

/** @param socket of a client of HTTP/1.1, on which the next thing to come is the answer */
export function writeInterimTo(socket: Socket, interim: InterimAnswer): void {
  if (socket.writable && !socket.writableNeedDrain) {
    socket.write(interimText(interim), 'latin1')
  }
}

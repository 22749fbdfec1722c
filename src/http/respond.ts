/** Puts an answer on the wire of the normal front end, and tells of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { markEnding } from '../lib/lingering.ts'
import { hasDate, headersOf, printable, type WireAnswer } from './answer.ts'
import { type Particulars, problemAnswer } from './problem-answer.ts'
import type { ProblemCode } from './problems.ts'

/** Where a fault came before the request had an id. */
export const NO_REQUEST_ID = '00000000-0000-0000-0000-000000000000'

/** Writes head and body. A body that fails half way ends the connection: never a clean end. */
export function writeAnswer(res: ServerResponse, answer: WireAnswer): void {
  const { body } = answer
  const stream = isStream(body) ? body : null
  if (res.destroyed || res.headersSent) {
    stream?.destroy()
    return
  }
  res.sendDate = !hasDate(answer)
  res.writeHead(answer.status, printable(answer.reason), headersOf(answer))
  endUnlessContinued(res)
  if (stream === null) {
    end(res, answer)
  } else if (res.req.method === 'HEAD') {
    stream.destroy()
    res.end()
  } else {
    pour(stream, res)
  }
}

/**
 * Node makes an answer the last one of its connection when the client waits to be told to go on and was not (RFC 9110
 * section 10.1.1). What comes behind it is then no request of ours either.
 */
function endUnlessContinued({ req, shouldKeepAlive }: ServerResponse): void {
  // guard: not-continued
  if (!shouldKeepAlive && req.headers.expect !== undefined) markEnding(req.socket)
}

/** For longer bodies the second write hardly counts. */
const MAX_TEXT_BYTES = 16_384

/**
 * As text a short body leaves in one write with its head, which halves the time of a hit in the kernel
 * (22 to 11 µs).
 */
function end(res: ServerResponse, { body }: WireAnswer): void {
  if (!Buffer.isBuffer(body) || body.length > MAX_TEXT_BYTES) res.end(body)
  else res.end(body.toString('latin1'), 'latin1')
}

/**
 * A source that fails ends the connection, and a client that goes away ends the source. By hand, since
 * `stream.pipeline` makes and aborts a signal for each body: a third of the time of a pass-through.
 */
function pour(stream: Readable, res: ServerResponse): void {
  stream.once('error', () => cutOff(res))
  res.once('close', () => stream.destroy())
  stream.pipe(res)
}

/**
 * To a client of HTTP/1.0 there are no chunks: where the answer names no length, its connection's end is the body's.
 * A reset is none (RFC 9112 section 8). Over TLS there is no alert of the end.
 */
function cutOff(res: ServerResponse): void {
  const { socket, req } = res
  // guard: unclean-end
  if (req.httpVersion === '1.0' && socket !== null && !(socket instanceof TLSSocket)) {
    socket.resetAndDestroy()
  }
  res.destroy()
}

/** Answers with a problem from the catalogue. `requestId` is a UUID. */
export function writeProblem(
  req: IncomingMessage,
  res: ServerResponse,
  code: ProblemCode,
  requestId: string,
  particulars: Partial<Particulars> = {},
): number {
  const problem = problemAnswer(code, requestId, particulars)
  const { status, reason, headers, body, closes } = problem
  // Reading on through content that nobody wants, or that can't be told from a request, is no use.
  // guard: doubt-ends-connection
  if (closes || hasContent(req)) endConnection(req, headers)
  const content = req.method === 'HEAD' ? null : Buffer.from(body)
  writeAnswer(res, { status, reason, head: headers, body: content })
  return status
}

/** @param headers of the last answer on the connection */
export function endConnection({ socket }: IncomingMessage, headers: string[]): void {
  headers.push('Connection', 'close')
  markEnding(socket)
}

export function hasContent({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function isStream(body: WireAnswer['body']): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body
}

/** The client has gone away. The upstream would wait for somebody to read what it has still to send. */
export function giveUp({ body }: WireAnswer): void {
  if (body !== null && !Buffer.isBuffer(body)) body.destroy()
}

import type { ServerResponse } from 'node:http'
import type { Answer } from './api.ts'
import { refuse } from './reply.ts'

/**
 * How an exchange goes wrong. At most one of `reset`, `hang`, `garbage`, `truncate`, `stall`; they
 * take precedence in this order. The rest changes the answer, which is the normal one unless
 * an error `status` or a `body` is given.
 */
export interface Failure {
  /** The connection is reset and no byte of an answer is sent. */
  readonly reset?: boolean
  /** Nothing is ever sent; the connection stays open until the other side closes it. */
  readonly hang?: boolean
  /** Bytes that are not HTTP are sent, then the connection is closed. */
  readonly garbage?: boolean
  /** Head and half of the body are sent, then the connection is closed. */
  readonly truncate?: boolean
  /** Head and half of the body are sent, then nothing more. */
  readonly stall?: boolean
  /** Chunked transfer instead of `Content-Length`. */
  readonly chunked?: boolean
  /** From 400 on an error body goes with it; below, the normal answer goes out under this status. */
  readonly status?: number
  readonly reasonPhrase?: string
  /** Added to the answer, in place of headers of the same name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /**
   * The request is carried out all the same, and only its answer is lost: the write has happened.
   * Without it, `reset`, `hang`, `garbage` and an error `status` mean that nothing has been done.
   */
  readonly applied?: boolean
}

function isError(status: number | undefined): status is number {
  return status !== undefined && status >= 400
}

/** Whether the operation itself runs before the failure shows. */
export function runsOperation(failure: Failure): boolean {
  if (failure.applied === true) return true
  const lost = failure.reset === true || failure.hang === true || failure.garbage === true
  return !lost && !isError(failure.status)
}

/** The answer with what the failure changes in it. */
export function altered(answer: Answer, { status, body, reasonPhrase }: Failure): Answer {
  const detail = `Failure ${status} was asked for.`
  const given = isError(status) ? refuse({ status, field: 'Upstream.failure', detail }) : answer
  return {
    ...answer,
    status: status ?? answer.status,
    reason: reasonPhrase ?? given.reason,
    body: body === undefined ? given.body : Buffer.from(body),
  }
}

/** The flat header list with the failure's own headers in place of those of the same name. */
export function alteredHeaders(flat: readonly string[], failure: Failure): string[] {
  const own = Object.entries(failure.headers ?? {})
  const dropped = new Set(own.map(([name]) => name.toLowerCase()))
  if (failure.chunked === true) dropped.add('content-length')
  const kept: string[] = []
  for (let index = 0; index < flat.length; index += 2) {
    const name = flat[index] ?? ''
    if (!dropped.has(name.toLowerCase())) kept.push(name, flat[index + 1] ?? '')
  }
  for (const [name, values] of own) {
    for (const value of [values].flat()) kept.push(name, value)
  }
  return kept
}

/** Ends an exchange without an answer. `false` if the failure is one that answers. */
export function breakOff(response: ServerResponse, failure: Failure): boolean {
  const { socket } = response
  if (failure.reset === true) socket?.resetAndDestroy()
  else if (failure.garbage === true) socket?.end('\u0000\u0001 this is not HTTP\r\n\r\n')
  else return failure.hang === true
  return true
}

/** Sends the body, whole or as much of it as the failure lets through. */
export function sendBody(response: ServerResponse, body: Buffer, failure: Failure): void {
  if (failure.truncate !== true && failure.stall !== true) {
    response.end(body)
    return
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => {
    if (failure.truncate === true) response.socket?.destroy()
  })
}

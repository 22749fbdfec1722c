/**
 * A connection lent to Node's own objects for one answer: problems and bodies that come bit by bit are written
 * by them, and the connection comes back. The request is known already, and has no content.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RawRequest } from '../http/validate.ts'

export interface Lent {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** @param onReturn the answer has been written, and the connection is free again */
export function lend(
  socket: Socket,
  { method }: Pick<RawRequest, 'method'>,
  onReturn: () => void,
): Lent {
  const req = new IncomingMessage(socket)
  req.method = method
  req.httpVersion = '1.1'
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  req.complete = true
  req.push(null)
  const res = new ServerResponse(req)
  res.shouldKeepAlive = true
  res.assignSocket(socket)
  res.once('finish', () => {
    res.detachSocket(socket)
    res.emit('close')
    onReturn()
  })
  return { req, res }
}

/**
 * A connection lent to Node's own objects for one request without content: what the wire front end does
 * not answer itself is answered through them, and the connection comes back.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RawRequest } from '../http/validate.ts'

export interface Lent {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** @param onReturn the answer has been written, and the connection is free again */
export function lend(socket: Socket, raw: RawRequest, onReturn: () => void): Lent {
  const req = new IncomingMessage(socket)
  req.method = raw.method
  req.url = raw.url
  req.httpVersion = '1.1'
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  req.rawHeaders = [...raw.rawHeaders]
  req.headers = joined(raw.rawHeaders)
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

/** Duplicates have been refused where they matter; for the rest, one line each is enough. */
function joined(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined
    const value = rawHeaders[i + 1] as string
    // `__proto__` is a header name like any other.
    Object.defineProperty(headers, name, {
      value: before === undefined ? value : `${before}, ${value}`,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return headers
}

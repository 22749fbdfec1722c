/** The Fastify instance of an operations listener: the same of one process and of several. Listens to nothing by itself. */
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { createHttpServer } from '../lib/http-server.ts'
import { endWith } from '../lib/last-answer.ts'

/** Milliseconds. */
const HTTP_SETTINGS = {
  requestTimeout: 10_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 1_000,
} as const

const NO_CONNECT =
  'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST, PUT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

/** @param bodyLimit longest content of a request. Bytes */
export function createOpsListener(bodyLimit: number): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit,
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
    serverFactory: (handle) =>
      createHttpServer({
        options: HTTP_SETTINGS,
        tls: null,
        handle,
        refuseConnect: (socket) => endWith(socket, NO_CONNECT),
      }),
  })
}

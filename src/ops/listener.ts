/** The Fastify instance of an operations listener: the same of one process and of several. Listens to nothing by itself. */
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { createHttpServer } from '../lib/http-server.ts'

/** Milliseconds. */
const HTTP_SETTINGS = {
  requestTimeout: 10_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 1_000,
} as const

/** @param bodyLimit longest content of a request. Bytes */
export function createOpsListener(bodyLimit: number): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit,
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
    serverFactory: (handle) => createHttpServer(HTTP_SETTINGS, null, handle),
  })
}

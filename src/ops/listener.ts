/** The Fastify instance of an operations listener: the same of one process and of several. Listens to nothing by itself. */
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { createHttpServer } from '../lib/http-server.ts'
import { Lingering } from '../lib/lingering.ts'
import { sendOpsProblem } from './admin-problems.ts'
import { browserRefusal, hostRules } from './browser-rules.ts'

/** Milliseconds. */
const HTTP_SETTINGS = {
  requestTimeout: 10_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 1_000,
} as const

const NO_CONNECT =
  'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST, PUT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

export interface OpsListenerSettings {
  /** `ops.host` */
  readonly host: string
  /** `ops.hosts` */
  readonly hosts: readonly string[]
  /** Longest content of a request. Bytes. */
  readonly bodyLimit: number
  /** A fault of our own, to be logged. */
  readonly faulted: (error: unknown, requestId: string) => void
}

export function createOpsListener({
  host,
  hosts,
  bodyLimit,
  faulted,
}: OpsListenerSettings): FastifyInstance {
  const lingering = new Lingering()
  const fastify = Fastify({
    logger: false,
    bodyLimit,
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
    serverFactory: (handle) =>
      createHttpServer({
        options: HTTP_SETTINGS,
        tls: null,
        handle,
        continuesItself: false,
        lingering,
        refuseConnect: (socket) => lingering.end(socket, NO_CONNECT),
      }),
  })
  const rules = hostRules(host, hosts)
  // Before anything else of it is looked at, whatever its path.
  fastify.addHook('onRequest', async (request, reply) => {
    const refusal = browserRefusal(request.url, request.headers, rules)
    if (refusal !== null) await sendOpsProblem(reply, request.id, refusal)
  })
  // Fastify's own would tell the message of the error to whoever asked.
  fastify.setErrorHandler<FastifyError>((error, request, reply) => {
    const { statusCode = 500 } = error
    const isTheirs = statusCode >= 400 && statusCode < 500
    if (!isTheirs) faulted(error, request.id)
    return sendOpsProblem(reply, request.id, isTheirs ? 'invalid_request' : 'internal_error')
  })
  return fastify
}

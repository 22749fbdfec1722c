/**
 * The normal front end: Node's HTTP server with the pipeline in front, and Fastify with http-proxy
 * behind it for what passes through. Listens to nothing by itself.
 */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { PassThrough, type PassThroughDependencies } from './pass-through.ts'
import { Pipeline, type PipelineDependencies } from './pipeline.ts'
import { type ProblemCode, problemAnswer } from './problems.ts'
import { writeProblem } from './respond.ts'

export type FrontEndDependencies = Omit<PipelineDependencies, 'passOn'> & PassThroughDependencies

/** Reliability section 4, "Fastify / Node settings". Milliseconds and bytes. */
const HTTP_SETTINGS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  requireHostHeader: true,
  // Above what load balancers keep idle connections for, so that they close first.
  keepAliveTimeout: 75_000,
} as const

export async function createFrontEnd(deps: FrontEndDependencies): Promise<FastifyInstance> {
  const passThrough = new PassThrough(deps)
  const fastify = Fastify({
    // Its logger would write addresses and headers; the pipeline reports what is to be told.
    logger: false,
    bodyLimit: deps.maxRequestBytes,
    requestTimeout: HTTP_SETTINGS.requestTimeout,
    routerOptions: { maxParamLength: HTTP_SETTINGS.maxHeaderSize },
    serverFactory: (passOn) => {
      const pipeline = new Pipeline({
        ...deps,
        passOn: (req, res, passage) => {
          passThrough.admit(req, passage)
          passOn(req, res)
        },
      })
      return createHttpServer(pipeline, deps.newRequestId)
    },
  })
  await passThrough.register(fastify)
  await fastify.ready()
  return fastify
}

function createHttpServer(pipeline: Pipeline, newRequestId: () => string): Server {
  const server = createServer(HTTP_SETTINGS, (req, res) => pipeline.handle(req, res))
  server.on('checkExpectation', (req, res) => {
    writeProblem(req, res, 'expectation_failed', newRequestId())
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseUnparsed(error, socket as Socket, newRequestId())
  })
  return server
}

/** What Node's parser refuses gets the same kind of answer as what the validator refuses. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const { status, reason, headers, body } = problemAnswer(problemOf(error), requestId)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  socket.end(`${head}Connection: close\r\n\r\n${body}`)
  // The client's further bytes are of no interest, but unread ones would turn the end into a reset.
  socket.resume()
}

function problemOf(error: NodeJS.ErrnoException): ProblemCode {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'header_too_large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout'
    default:
      return 'malformed_request'
  }
}

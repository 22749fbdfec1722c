/**
 * The normal front end: Node's HTTP server with the pipeline in front, and Fastify with http-proxy
 * behind it for what passes through. Listens to nothing by itself.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyInstance,
  type FastifyServerFactoryHandler as ServerFactoryHandler,
} from 'fastify'
import { REFUSED } from '../cache/outcome.ts'
import { clientAddress } from '../lib/client-address.ts'
import { createHttpServer } from '../lib/http-server.ts'
import { BRIEF, isEnding, type Lingering, markEnding } from '../lib/lingering.ts'
import { whenNoneIsOwed } from '../lib/owed-answers.ts'
import { type ContentLimits, ContentWatch } from './content-watch.ts'
import { NodeExchange, type PassOn } from './exchange.ts'
import { HeldMemory } from './held-memory.ts'
import { problemOfFault } from './parse-faults.ts'
import { PassThrough, type PassThroughDependencies } from './pass-through.ts'
import { Pipeline, type PipelineDependencies } from './pipeline.ts'
import { Pressure } from './pressure.ts'
import { problemAnswer } from './problem-answer.ts'
import type { ProblemCode } from './problems.ts'
import { Relay } from './relay.ts'
import { NO_REQUEST_ID, writeProblem } from './respond.ts'
import { wasSent } from './sent-requests.ts'
import { WriteLimit } from './write-limit.ts'

export type FrontEndDependencies = Omit<PipelineDependencies, 'isOverloaded'> &
  Omit<PassThroughDependencies, 'held' | 'writeLimit'> & {
    /** Memory for the content of writes. */
    readonly maxHeldBytes: number
    /** How slowly the content of a request may come. */
    readonly contentLimits: ContentLimits
    /** True: every answer is its connection's last. */
    readonly isDraining: () => boolean
    /** Ends the connections on which an answer is the last one. */
    readonly lingering: Lingering
    /** Null: plain HTTP. */
    readonly tls: TlsFiles | null
    /** 0: no limit. */
    readonly maxEventLoopDelayMs: number
    /** Shedding begins, or ends. */
    readonly onPressure: (isHigh: boolean) => void
  }

/** PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** Reliability section 4, "Fastify / Node settings". Milliseconds and bytes. */
const HTTP_SETTINGS = {
  // guard: slow-heads
  headersTimeout: 10_000,
  // Of the head alone: content has limits of its own (`content-watch.ts`).
  requestTimeout: 0,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  // The validator asks for it, and its answer says so.
  requireHostHeader: false,
  // Above what load balancers keep idle connections for, so that they close first.
  keepAliveTimeout: 75_000,
} as const

/** As Node has it for a request that does not come in time. */
const TOO_SLOW = { code: 'ERR_HTTP_REQUEST_TIMEOUT' } as const

export interface FrontEnd {
  /** Listens, and closes. */
  readonly fastify: FastifyInstance
  readonly pipeline: Pipeline
  readonly passOn: PassOn
  readonly isOverloaded: () => boolean
}

export async function createFrontEnd(deps: FrontEndDependencies): Promise<FrontEnd> {
  const { clock, maxHeldBytes } = deps
  const writes = { held: new HeldMemory(maxHeldBytes), writeLimit: new WriteLimit(clock) }
  const passThrough = new PassThrough({ ...deps, ...writes })
  const pressure = new Pressure(deps.maxEventLoopDelayMs, deps.onPressure)
  const isOverloaded = (): boolean => pressure.isHigh
  const pipeline = new Pipeline({ ...deps, isOverloaded })
  let giveToFastify: ServerFactoryHandler = () => {}
  const relay = new Relay({ ...deps, ...writes })
  const contents = new ContentWatch<IncomingMessage>(deps.contentLimits, ({ socket }) => {
    fastify.server.emit('clientError', TOO_SLOW, socket)
  })
  const passOn: PassOn = {
    withContent: (req, res, passage, presence) => {
      contents.add(req)
      res.once('close', () => contents.delete(req))
      passThrough.admit(req, res, passage, presence)
      giveToFastify(req, res)
    },
    withoutContent: (exchange, passage, presence) => void relay.pass(exchange, passage, presence),
  }
  const fastify = Fastify({
    // Its logger would write addresses and headers; the pipeline reports what is to be told.
    logger: false,
    bodyLimit: deps.maxRequestBytes,
    requestTimeout: HTTP_SETTINGS.requestTimeout,
    // What has come in is answered, also while the process is leaving.
    return503OnClosing: false,
    // It would answer after ours, on a connection that may have been answered already.
    clientErrorHandler: () => {},
    // The pipeline has routed, and the passage has path and query: a second opinion could only differ
    // (Fastify's router decodes, and refuses what does not decode to UTF-8).
    rewriteUrl: () => '/',
    serverFactory: (handler) => {
      giveToFastify = handler
      return createPublicServer(pipeline, passOn, deps)
    },
  })
  fastify.addHook('onClose', async () => {
    pressure.close()
    contents.stop()
  })
  await passThrough.register(fastify)
  await fastify.ready()
  return { fastify, pipeline, passOn, isOverloaded }
}

function createPublicServer(
  pipeline: Pipeline,
  passOn: PassOn,
  deps: FrontEndDependencies,
): Server {
  /** The newest answer on each connection. */
  const answers = new WeakMap<Socket, ServerResponse>()
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    // What follows a request that ended the connection may be content taken for a request.
    if (isEnding(req.socket)) return
    answers.set(req.socket, res)
    if (deps.isDraining()) {
      res.shouldKeepAlive = false
      markEnding(req.socket)
    }
    try {
      pipeline.handle(new NodeExchange(req, res, passOn))
    } catch (error) {
      // A fault of our own costs this request, never the process.
      // guard: fault-costs-request
      deps.reporter.faulted(error, NO_REQUEST_ID)
      const readers = deps.cors.readersFor({ origin: req.headers.origin ?? null, path: null })
      writeProblem(req, res, 'internal_error', NO_REQUEST_ID, { readers, wasSent: true })
    }
  }
  const server = createHttpServer({
    options: HTTP_SETTINGS,
    tls:
      deps.tls === null
        ? null
        : {
            options: deps.tls,
            refusePlain: (socket) => refuseUnparsed('plain_http', socket, deps),
          },
    handle,
    continuesItself: true,
    lingering: deps.lingering,
    refuseConnect: (socket) => refuseUnparsed('method_not_allowed', socket, deps),
  })
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket
    // Bytes after a request that said `Connection: close`: its answer ends the connection.
    if (isEnding(socket) || error.code === 'HPE_CLOSED_CONNECTION') return
    markEnding(socket)
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else endAfterFault(error, socket, answers.get(socket) ?? null, deps)
  })
  return server
}

/**
 * @param newest the answer to the last request on the connection
 */
function endAfterFault(
  fault: NodeJS.ErrnoException,
  socket: Socket,
  newest: ServerResponse | null,
  deps: FrontEndDependencies,
): void {
  const end = (): void => deps.lingering.end(socket)
  if (newest !== null && isOwed(newest)) {
    newest.once('close', end)
    return
  }
  const isBrokenOff = newest !== null && !newest.writableFinished
  const refuse = (): void => {
    // It may have been answered early, while it waited for its turn.
    if (!isBrokenOff || !newest.headersSent) {
      const isOfSent = isBrokenOff && wasSent(newest.req)
      refuseUnparsed(problemOfFault(fault), socket, deps, isOfSent)
    } else if (newest.writableFinished) end()
    else newest.once('close', end)
  }
  // Answers to what was asked before may still be on their way: within one of them this would be taken for its body.
  // guard: fault-behind-answers
  whenNoneIsOwed(socket, refuse, newest)
}

/**
 * Whether a fault in the bytes leaves this answer to be given: it is for a request that came whole, or
 * has begun. A request that broke off half way is answered with the fault.
 */
function isOwed(answer: ServerResponse): boolean {
  return !answer.writableFinished && (answer.req.complete || answer.headersSent)
}

/**
 * What Node's parser refuses gets the same kind of answer as what the validator refuses.
 *
 * @param isOfSent it belongs to a request of which a part may have reached the API
 */
function refuseUnparsed(
  code: ProblemCode,
  socket: Socket,
  { newRequestId, reporter, reportsClients, lingering, cors }: FrontEndDependencies,
  isOfSent = false,
): void {
  const client = reportsClients ? clientAddress(socket) : null
  const requestId = newRequestId()
  const readers = cors.readersFor({ origin: null, path: null })
  const particulars = { readers, wasSent: isOfSent }
  const { status, reason, headers, body } = problemAnswer(code, requestId, particulars)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  const limits = code === 'request_timeout' ? BRIEF : undefined
  lingering.end(socket, `${head}Connection: close\r\n\r\n${body}`, limits)
  reporter.finished({
    outcome: REFUSED,
    status,
    method: '',
    route: null,
    tenant: null,
    requestId,
    traceId: null,
    problem: code,
    durationMs: 0,
    client,
  })
}

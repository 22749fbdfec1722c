/** The public and the operations listener of an instance, from open to drained. */
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { readTls, type TlsFiles } from './config/files.ts'
import { listenAt } from './config/listen-fault.ts'
import type { Config } from './config/schema.ts'
import { Cors } from './http/cors.ts'
import { forwardingBy } from './http/forwarded.ts'
import { watchReaders } from './http/reader-watch.ts'
import { createFrontEnd, type FrontEndDependencies } from './http/server.ts'
import type { Clock } from './lib/clock.ts'
import { renewTls } from './lib/http-server.ts'
import { Lingering } from './lib/lingering.ts'
import { expectProxyHeaders } from './lib/proxied-connections.ts'
import type { ReaderReporter, WireReporter } from './ops/reporting.ts'
import { placeBefore } from './wire/front-end.ts'

/** Base URLs of the two listeners; `opsUrl` is empty where another process has it. */
export interface Listening {
  readonly url: string
  readonly opsUrl: string
}

/** Where the instance is in its life. */
export interface Phase {
  isReady: boolean
  isDraining: boolean
}

export interface FrontEnds {
  /** Listens, and closes. */
  readonly fastify: FastifyInstance
  /** Ends the connections on which nothing is under way. */
  readonly endIdle: () => void
  readonly lingering: Lingering
  /** The process is short of time or memory: only what costs next to nothing is answered. */
  readonly isOverloaded: () => boolean
  /** For handshakes from now on. */
  readonly renewTls: (files: TlsFiles) => void
}

/** How often connections are looked at while the process leaves. */
const END_IDLE_EVERY_MS = 50

/** The normal front end, and, if wanted, the wire front end before it. */
export async function buildFrontEnds(
  settings: Omit<FrontEndDependencies, 'lingering'> & {
    readonly reporter: WireReporter & ReaderReporter
    /** How long a client may take nothing of what it is sent. */
    readonly readerTimeoutMs: number
    /** Each connection begins with a header of the PROXY protocol. */
    readonly proxyProtocol: boolean
  },
  fastPath: boolean,
): Promise<FrontEnds> {
  const lingering = new Lingering()
  const deps = { ...settings, lingering }
  const { fastify, pipeline, passOn, isOverloaded } = await createFrontEnd(deps)
  const wire = fastPath ? placeBefore(fastify.server, { ...deps, pipeline, passOn }) : null
  watchReaders(fastify.server, deps.readerTimeoutMs, () => deps.reporter.readerClosed())
  if (deps.proxyProtocol) expectProxyHeaders(fastify.server)
  const endIdle = (): void => {
    wire?.endIdle()
    fastify.server.closeIdleConnections()
  }
  const renew = (files: TlsFiles): void => renewTls(fastify.server, files)
  return { fastify, endIdle, lingering, isOverloaded, renewTls: renew }
}

/** @throws ConfigError when the configuration is to blame */
export async function open(
  config: Config,
  { fastify }: FrontEnds,
  ops: FastifyInstance | null,
  phase: Phase,
): Promise<Listening> {
  await listenAt('server', config.server, (address) => fastify.listen(address))
  if (ops !== null) await listenAt('ops', config.ops, (address) => ops.listen(address))
  phase.isReady = true
  const scheme = config.server.tls.cert === null ? 'http' : 'https'
  return { url: urlOf(fastify, scheme), opsUrl: ops === null ? '' : urlOf(ops, 'http') }
}

/**
 * Unready first, so that load balancers look elsewhere while what still comes is answered, on connections
 * that then end; after `delayMs` nothing more is accepted, and each connection ends as soon as nothing is
 * under way on it.
 */
export async function drain(
  { fastify, endIdle, lingering }: FrontEnds,
  delayMs: number,
  phase: Phase,
): Promise<void> {
  phase.isReady = false
  phase.isDraining = true
  await delay(delayMs)
  endIdle()
  lingering.hurry()
  const again = setInterval(endIdle, END_IDLE_EVERY_MS)
  await fastify.close().finally(() => clearInterval(again))
}

function urlOf(fastify: FastifyInstance, scheme: 'http' | 'https'): string {
  const { address, port, family } = fastify.server.address() as AddressInfo
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** What the front ends are told by the configuration. */
export function frontEndSettings({ server, upstream, cors, cache, log }: Config, clock: Clock) {
  return {
    proxyProtocol: server.proxyProtocol,
    reportsClients: log.clientAddress,
    cors: new Cors(cors, clock),
    clientLifetimes: cache,
    maxHeldBytes: server.maxHeldBytes,
    maxRequestBytes: server.maxRequestBytes,
    contentLimits: { pauseMs: server.uploadPauseMs, bytesPerSecond: server.uploadBytesPerSecond },
    isTimed: server.timing,
    readerTimeoutMs: server.readerTimeoutMs,
    totalTimeoutMs: upstream.totalTimeoutMs,
    tls: readTls(server.tls),
    forwarding: forwardingBy(upstream.forwarded, server.trustProxy),
    maxEventLoopDelayMs: server.maxEventLoopDelayMs,
  }
}

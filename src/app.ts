/**
 * The composition root: builds everything, wires it, listens to nothing until told to. The only file that
 * knows which store, clock or client stands behind a port.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Credentials } from './auth/credentials.ts'
import { VersionPins } from './auth/version-pins.ts'
import { Cache } from './cache/cache.ts'
import type { Fences, WriteFences } from './cache/fence.ts'
import { Invalidator } from './cache/invalidation.ts'
import type { MemoryStore, SharedTier } from './cache/ports.ts'
import type { Reporter } from './cache/report.ts'
import { tagMint } from './cache/representation.ts'
import { SharingMode } from './cache/sharing.ts'
import { Standings } from './cache/standing.ts'
import { ConfigError } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { formBytes } from './http/forms.ts'
import { createFrontEnd, type FrontEndDependencies } from './http/server.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { createLogger, type Logger } from './lib/logger.ts'
import { AccessLog } from './ops/access-log.ts'
import { Metrics } from './ops/metrics.ts'
import { Reporting, type WireReporter } from './ops/reporting.ts'
import { createOpsServer } from './ops/server.ts'
import { LocalFences } from './stores/local-fences.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import { createSharedState, type SharedState } from './stores/redis.ts'
import { UpstreamBreaker } from './upstream/breaker.ts'
import { UpstreamClient } from './upstream/client.ts'
import { GuardedReads } from './upstream/guarded-reads.ts'
import { TenantGate } from './upstream/tenant-gate.ts'
import { placeBefore } from './wire/front-end.ts'

/** What tests and the simulation put in another's place. */
export interface Overrides {
  readonly clock?: Clock
  readonly random?: () => number
  readonly log?: Logger
  readonly memory?: MemoryStore
  readonly fences?: Fences & WriteFences
  /** The second tier; null: none. */
  readonly tier?: SharedTier | null
  /** A faulty one, to see what still holds. */
  readonly partitionOf?: (authorization: string) => string
  readonly newRequestId?: () => string
  /** Sees every report, beside metrics and log. */
  readonly reporter?: Partial<Reporter> & Partial<WireReporter>
}

/** Base URLs of the two listeners. */
export interface Listening {
  readonly url: string
  readonly opsUrl: string
}

export interface App {
  readonly log: Logger
  /** Binds both listeners. */
  listen(): Promise<Listening>
  /** Stops listening, ends idle connections, waits for what is under way. */
  close(): Promise<void>
}

/** Credentials whose version pin is remembered. */
const MAX_PINNED_CREDENTIALS = 100_000
/** One fence for so many bytes of the memory tier: several times as many as there can be entries. */
const BYTES_PER_FENCE = 512
/** How often connections are looked at while the process leaves. */
const END_IDLE_EVERY_MS = 50
/** A write may take so much longer than the deadlines say before it counts as lost. */
const WRITE_MARGIN_MS = 1_000

/** The cache with its stores, and no network: what the simulation drives on virtual time. */
export interface Core {
  readonly cache: Cache
  readonly standings: Standings
  readonly invalidator: Invalidator
  readonly memory: MemoryStore
  readonly sharing: SharingMode
}

export function buildCore(config: Config, overrides: Overrides, reporter: Reporter): Core {
  const limits = config.cache
  const clock = overrides.clock ?? systemClock
  const memory = overrides.memory ?? createMemoryStore({ ...limits.memory, formBytes })
  const maxFences = maxFencesOf(config)
  const fences = overrides.fences ?? new LocalFences({ clock, maxFences })
  const tier = overrides.tier ?? null
  const sharing = new SharingMode(limits.sharing, (tenant) => reporter.sharingTripped(tenant))
  const { credentialTtlMs } = limits
  const standings = new Standings({ memory, fences, tier, credentialTtlMs, reporter })
  const random = overrides.random ?? Math.random
  const mintTag = tagMint(config.secret)
  const cache = new Cache({
    memory,
    tier,
    fences,
    standings,
    sharing,
    lifetimes: limits,
    mintTag,
    random,
    reporter,
    clock,
  })
  const { connectTimeoutMs, totalTimeoutMs } = config.upstream
  const writeDeadlineMs = connectTimeoutMs + totalTimeoutMs + WRITE_MARGIN_MS
  const invalidator = new Invalidator({ fences, memory, writeDeadlineMs })
  return { cache, standings, invalidator, memory, sharing }
}

function maxFencesOf({ cache }: Config): number {
  return Math.max(1024, Math.ceil(cache.memory.maxBytes / BYTES_PER_FENCE))
}

/** What instances share, if Redis is configured. */
function connectInstances(
  config: Config,
  memory: MemoryStore,
  clock: Clock,
  reporting: Reporting,
  pins: VersionPins,
): SharedState | null {
  const { redis, cache: limits, secret, previousSecrets } = config
  if (redis.url === null && redis.nodes.length === 0) return null
  const staleMs = Math.max(limits.staleWhileRevalidateMs, limits.staleIfErrorMs)
  const longestTtlMs = limits.ttlMs * (1 + limits.ttlJitter) + staleMs
  return createSharedState({
    settings: { ...redis, ca: readCertificates('redis.ca', redis.ca) },
    clock,
    memory,
    secrets: [secret, ...previousSecrets],
    maxFences: maxFencesOf(config),
    maxBodyBytes: limits.maxBodyBytes,
    lifetimes: [longestTtlMs, limits.grantTtlMs, limits.credentialTtlMs],
    observer: reporting,
    onPinChange: (partition, version) => pins.changed(partition, version),
  })
}

/** The core, with what it shares with other instances. */
function buildInstance(
  config: Config,
  overrides: Overrides,
  clock: Clock,
  reporting: Reporting,
): { readonly core: Core; readonly shared: SharedState | null; readonly pins: VersionPins } {
  const memory = overrides.memory ?? createMemoryStore({ ...config.cache.memory, formBytes })
  const pins: VersionPins = new VersionPins(MAX_PINNED_CREDENTIALS, (partition, version) => {
    void shared?.notePin(partition, version)
  })
  const shared = connectInstances(config, memory, clock, reporting, pins)
  const common = shared === null ? {} : { fences: shared.fences, tier: shared.tier }
  return { core: buildCore(config, { memory, ...common, ...overrides }, reporting), shared, pins }
}

function guard(
  client: UpstreamClient,
  tenantReads: number,
  clock: Clock,
  reporting: Reporting,
): GuardedReads {
  const breaker = new UpstreamBreaker(clock, (isOpen) => reporting.breakerChanged(isOpen))
  return new GuardedReads({ client, breaker, gate: new TenantGate(clock, tenantReads), clock })
}

function meter({ memory, sharing }: Core, redis: SharedState | null, mode: string): Metrics {
  return new Metrics({
    memory,
    sharing: mode,
    trippedTenants: () => sharing.trippedCount,
    redis,
  })
}

/** Where the instance is in its life. */
interface Phase {
  isReady: boolean
  isDraining: boolean
}

interface FrontEnds {
  /** Listens, and closes. */
  readonly fastify: FastifyInstance
  /** Ends the connections on which nothing is under way. */
  readonly endIdle: () => void
}

/** The normal front end, and, if wanted, the wire front end before it. */
async function buildFrontEnds(
  deps: FrontEndDependencies & { readonly reporter: Reporting },
  fastPath: boolean,
): Promise<FrontEnds> {
  const { fastify, pipeline, passOn } = await createFrontEnd(deps)
  const wire = fastPath ? placeBefore(fastify.server, { ...deps, pipeline, passOn }) : null
  const endIdle = (): void => {
    wire?.endIdle()
    fastify.server.closeIdleConnections()
  }
  return { fastify, endIdle }
}

async function open(
  { server, ops: { host, port } }: Config,
  { fastify }: FrontEnds,
  ops: FastifyInstance,
  phase: Phase,
): Promise<Listening> {
  await fastify.listen({ host: server.host, port: server.port })
  await ops.listen({ host, port })
  phase.isReady = true
  return { url: urlOf(fastify), opsUrl: urlOf(ops) }
}

/**
 * Unready first, so that load balancers look elsewhere while what still comes is answered, on connections
 * that then end; after `delayMs` nothing more is accepted, and each connection ends as soon as nothing is
 * under way on it.
 */
async function drain(
  { fastify, endIdle }: FrontEnds,
  delayMs: number,
  phase: Phase,
): Promise<void> {
  phase.isReady = false
  phase.isDraining = true
  await delay(delayMs)
  endIdle()
  const again = setInterval(endIdle, END_IDLE_EVERY_MS)
  await fastify.close().finally(() => clearInterval(again))
}

/** @throws ConfigError when a file that the configuration names can't be read */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const { server, upstream, cache: limits } = config
  const clock = overrides.clock ?? systemClock
  const log = overrides.log ?? createLogger(config.log.level)
  const reporting = new Reporting(new AccessLog(log), overrides.reporter ?? {})
  const { core, shared, pins } = buildInstance(config, overrides, clock, reporting)
  const metrics = meter(core, shared, limits.sharing)
  reporting.add(metrics)
  const ca = readCertificates('upstream.ca', upstream.ca)
  const client = new UpstreamClient({ ...upstream, ca, maxBodyBytes: limits.maxBodyBytes, clock })
  const phase: Phase = { isReady: false, isDraining: false }
  const deps = {
    ...core,
    clock,
    client,
    credentials: new Credentials([config.secret, ...config.previousSecrets], overrides.partitionOf),
    pins,
    isDraining: () => phase.isDraining,
    readUpstream: guard(client, upstream.tenantReads, clock, reporting),
    random: overrides.random ?? Math.random,
    reporter: reporting,
    newRequestId: overrides.newRequestId ?? randomUUID,
    maxRequestBytes: server.maxRequestBytes,
    totalTimeoutMs: upstream.totalTimeoutMs,
  }
  const frontEnds = await buildFrontEnds(deps, server.fastPath)
  warnOfPlainSharing(limits.sharing, log)
  const ops = await createOpsServer({
    registry: metrics.registry,
    isReady: () => phase.isReady,
    redis: shared,
  })
  const listen = (): Promise<Listening> => open(config, frontEnds, ops, phase)
  const close = async (): Promise<void> => {
    await drain(frontEnds, server.drainDelayMs, phase)
    await ops.close()
    await Promise.all([client.close(), shared?.close()])
  }
  return { log, listen, close }
}

function warnOfPlainSharing(sharing: string, log: Logger): void {
  if (sharing !== 'tenant') return
  log.warn(
    { 'cache.sharing': sharing },
    'every admitted token of a tenant may read every cached customer of it: right only if all see the same',
  )
}

function readCertificates(key: string, file: string | null): string | null {
  if (file === null) return null
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(key, `can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function urlOf(fastify: FastifyInstance): string {
  const { address, port, family } = fastify.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

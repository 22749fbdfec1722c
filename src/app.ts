/**
 * The composition root: builds everything, wires it, listens to nothing until told to. The only file that
 * knows which store, clock or client stands behind a port.
 */
import { randomUUID } from 'node:crypto'
import { Credentials } from './auth/credentials.ts'
import { VersionPins } from './auth/version-pins.ts'
import { Cache } from './cache/cache.ts'
import { Coalescer } from './cache/coalesce.ts'
import { DigestRule } from './cache/digest-rule.ts'
import { Explainer } from './cache/explainer.ts'
import type { FenceStore } from './cache/fence.ts'
import { HeaderChanges } from './cache/header-changes.ts'
import { Invalidator } from './cache/invalidation.ts'
import type { Key } from './cache/key.ts'
import { LastRejects } from './cache/last-rejects.ts'
import { tagMint } from './cache/minted-tag.ts'
import type { MemoryStore, SharedTier } from './cache/ports.ts'
import type { Reporter } from './cache/report.ts'
import type { Landing } from './cache/served.ts'
import { SharingMode } from './cache/sharing.ts'
import { Standings } from './cache/standing.ts'
import { TenantSwitch } from './cache/tenant-switch.ts'
import type { Config } from './config/schema.ts'
import { TlsReloads } from './config/tls-reloads.ts'
import { connectInstances, connectUpstream, maxFencesOf, measured, renewBy } from './connections.ts'
import { cacheStatus } from './http/cache-status.ts'
import { formBytes } from './http/forms.ts'
import { problemOf } from './http/read-failures.ts'
import { RequestTraces } from './http/request-traces.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { createLogger, type Logger } from './lib/logger.ts'
import {
  buildFrontEnds,
  drain,
  type FrontEnds,
  frontEndSettings,
  type Listening,
  open,
  type Phase,
} from './listeners.ts'
import {
  buildObservers,
  buildOperations,
  buildTracer,
  type Operated,
  type OperationsInside,
} from './operations.ts'
import { warnOfPlainSharing } from './ops/plain-sharing.ts'
import type { ReaderReporter, Reporting, WireReporter } from './ops/reporting.ts'
import { LocalFences } from './stores/local-fences.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import { createProcessState } from './stores/process-state.ts'
import type { SharedState } from './stores/redis.ts'
import type { Siblings } from './stores/siblings.ts'
import type { GuardedReads } from './upstream/guarded-reads.ts'
import { guard } from './upstream/guards.ts'

/** What tests and the simulation put in another's place. */
export interface Overrides {
  readonly clock?: Clock
  readonly random?: () => number
  readonly log?: Logger
  readonly memory?: MemoryStore
  readonly fences?: FenceStore
  /** The second tier; null: none. */
  readonly tier?: SharedTier | null
  /** A faulty one, to see what still holds. */
  readonly partitionOf?: (authorization: string) => string
  readonly newRequestId?: () => string
  /** See `StandingsDependencies`. */
  readonly onRefused?: ((grants: readonly Key[]) => void) | null
  /** Sees every report, beside metrics and log. */
  readonly reporter?: Partial<Reporter> & Partial<WireReporter> & Partial<ReaderReporter>
}

export interface App {
  readonly log: Logger
  /** Of one among several processes, whose operations listener is the primary's. */
  readonly operations?: OperationsInside
  /** Binds both listeners; one among several processes binds the public one only. */
  listen(): Promise<Listening>
  /** Where that takes long: makes it end soon, either way. `close` has to follow. */
  endStarting?(): void
  /** Stops listening, ends idle connections, waits for what is under way. */
  close(): Promise<void>
}

/** Credentials whose version pin is remembered. */
const MAX_PINNED_CREDENTIALS = 100_000
/** A write may take so much longer than the deadlines say before it counts as lost. */
const WRITE_MARGIN_MS = 1_000

/** The cache with its stores, and no network: what the simulation drives on virtual time. */
export interface Core {
  readonly cache: Cache
  readonly standings: Standings
  readonly invalidator: Invalidator
  readonly memory: MemoryStore
  readonly sharing: SharingMode
  readonly fences: FenceStore
  readonly explainer: Explainer
}

export function buildCore(config: Config, overrides: Overrides, reporter: Reporter): Core {
  const limits = config.cache
  const { clock = systemClock, tier = null, onRefused = null, random = Math.random } = overrides
  const memory = overrides.memory ?? createMemoryStore({ ...limits.memory, formBytes, clock })
  const maxFences = maxFencesOf(config)
  const fences = overrides.fences ?? new LocalFences({ clock, maxFences })
  const sharing = new SharingMode(limits.sharing, (tenant) => reporter.sharingTripped(tenant))
  const { credentialTtlMs } = limits
  const standings = new Standings({ memory, fences, tier, credentialTtlMs, onRefused, reporter })
  const mintTag = tagMint(config.secret)
  const flights = new Coalescer<Landing | null>()
  const digestRule = new DigestRule(limits.keepHeaders)
  const kept = { digestRule, headerChanges: new HeaderChanges(), rejects: new LastRejects() }
  const shared = { memory, fences, sharing, flights, lifetimes: limits, clock, ...kept }
  const cache = new Cache({ ...shared, tier, standings, mintTag, random, reporter })
  const explainer = new Explainer(shared)
  const { connectTimeoutMs, totalTimeoutMs } = config.upstream
  const writeDeadlineMs = connectTimeoutMs + totalTimeoutMs + WRITE_MARGIN_MS
  const invalidator = new Invalidator({ fences, memory, writeDeadlineMs })
  return { cache, standings, invalidator, memory, sharing, fences, explainer }
}

interface Instance {
  readonly core: Core & { readonly tenants: TenantSwitch }
  readonly shared: SharedState | null
  readonly pins: VersionPins
}

/** The core, with what it shares with other instances, or, without Redis, with other processes. */
function buildInstance(
  config: Config,
  overrides: Overrides,
  clock: Clock,
  reporting: Reporting,
  siblings: Siblings | null,
): Instance {
  const own = overrides.memory ?? createMemoryStore({ ...config.cache.memory, formBytes, clock })
  const tenants = new TenantSwitch()
  const pins: VersionPins = new VersionPins(MAX_PINNED_CREDENTIALS, (...known) => {
    void (shared ?? local)?.notePin(...known)
  })
  const shared = connectInstances(config, own, clock, reporting, pins, tenants)
  const local =
    shared !== null || siblings === null
      ? null
      : createProcessState({
          siblings,
          clock,
          memory: own,
          maxFences: maxFencesOf(config),
          onPinChange: (partition, version) => pins.changed(partition, version),
          onHeard: () => reporting.heard(),
        })
  const state = shared ?? local
  const fences = state === null ? {} : { fences: state.fences }
  const onRefused = local?.refused ?? null
  const common = { memory: local?.memory ?? own, tier: shared?.tier ?? null, onRefused, ...fences }
  const { memory: _, ...others } = overrides
  const core = { ...buildCore(config, { ...common, ...others }, reporting), tenants }
  return { core, shared, pins }
}

function credentialsOf({ secret, previousSecrets }: Config, overrides: Overrides): Credentials {
  return new Credentials([secret, ...previousSecrets], overrides.partitionOf)
}

/**
 * @param siblings the other processes of this instance; null: it is the only one
 * @throws ConfigError when a file that the configuration names can't be read
 */
export async function buildApp(
  config: Config,
  overrides: Overrides = {},
  siblings: Siblings | null = null,
): Promise<App> {
  const { server, upstream, cache: limits } = config
  const { clock = systemClock, random = Math.random } = overrides
  const log = overrides.log ?? createLogger(config.log.level)
  const observers = buildObservers(config, log, clock, overrides.reporter ?? {})
  const { reporting } = observers
  const reloads = new TlsReloads(config, reporting)
  const tracer = await buildTracer(config, observers)
  const { core, shared, pins } = buildInstance(config, overrides, clock, reporting, siblings)
  const credentials = credentialsOf(config, overrides)
  const client = connectUpstream(config, clock, reporting, random)
  const phase: Phase = { isReady: false, isDraining: false }
  const deps = {
    ...core,
    clock,
    client,
    credentials,
    pins,
    isDraining: () => phase.isDraining,
    ...guard(client, upstream, clock, reporting),
    random,
    reporter: reporting,
    traces: new RequestTraces(tracer, log.isLevelEnabled('debug')),
    newRequestId: overrides.newRequestId ?? randomUUID,
    onPressure: (isHigh: boolean) => reporting.pressureChanged(isHigh),
    ...frontEndSettings(config, clock),
  }
  const frontEnds = await buildFrontEnds(deps, server.fastPath)
  renewBy(reloads, frontEnds, client, shared)
  if (siblings === null) warnOfPlainSharing(limits.sharing, log)
  const around = surroundings(deps, frontEnds)
  const state = { ...measured(reloads, client, deps.waiting), isReady: () => phase.isReady, around }
  const operated = { ...core, config, shared, credentials, ...state, wording: WORDING }
  const { server: ops, inside: operations } = await buildOperations(operated, observers)
  const listen = (): Promise<Listening> =>
    open(config, frontEnds, siblings === null ? ops : null, phase)
  const close = async (): Promise<void> => {
    reloads.stop()
    await drain(frontEnds, server.drainDelayMs, phase)
    await ops.close()
    await Promise.all([client.close(), shared?.close(), tracer.close()])
  }
  return { log, operations, listen, close }
}

/** How the front ends tell of an outcome. */
const WORDING = { cacheStatus, problemOf }

interface ReadSurroundings {
  readonly pins: VersionPins
  readonly readUpstream: GuardedReads
  readonly tenants: TenantSwitch
}

/** What bears on the next read beside the cache. */
function surroundings(
  { pins, readUpstream, tenants }: ReadSurroundings,
  { isOverloaded }: FrontEnds,
): Operated['around'] {
  return {
    pins,
    refusal: (tenant, isAccepted) => readUpstream.refusal(tenant, isAccepted),
    isOff: (tenant) => tenants.isOff(tenant),
    isOverloaded,
  }
}

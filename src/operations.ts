/**
 * The operations side, put together: who is told of what happens, and what the operations listener offers.
 * The counterpart of `app.ts`, which builds what serves clients.
 */
import type { FastifyInstance } from 'fastify'
import type { Credentials } from './auth/credentials.ts'
import type { Explainer, Surroundings } from './cache/explainer.ts'
import type { WriteFences } from './cache/fence.ts'
import type { MemoryStore } from './cache/ports.ts'
import { ALONE, Purger } from './cache/purge.ts'
import type { SharingMode } from './cache/sharing.ts'
import { switchTenant, type TenantSwitch } from './cache/tenant-switch.ts'
import type { Config } from './config/schema.ts'
import { upstreamName } from './config/upstream-name.ts'
import type { Clock } from './lib/clock.ts'
import type { Logger } from './lib/logger.ts'
import { version } from './lib/package-file.ts'
import type { TlsFile } from './lib/tls-file.ts'
import { SilentTracer, type Tracer } from './lib/tracer.ts'
import { AccessLog } from './ops/access-log.ts'
import { credentialRoute } from './ops/admin-credential.ts'
import { operatorCheck } from './ops/admin-gate.ts'
import { purgeRoute } from './ops/admin-purge.ts'
import type { AdminRoute } from './ops/admin-route.ts'
import { tenantRoute } from './ops/admin-tenant.ts'
import { tenantsRoute } from './ops/admin-tenants.ts'
import type { CertificateExpiries } from './ops/certificate-metrics.ts'
import { type ExplainDependencies, explainRoute } from './ops/explain.ts'
import type { Observations } from './ops/merged-observations.ts'
import { Metrics } from './ops/metrics.ts'
import { RecentProblems } from './ops/recent-problems.ts'
import { Reporting } from './ops/reporting.ts'
import { createOpsServer } from './ops/server.ts'
import { TenantTraffic } from './ops/tenant-traffic.ts'
import { TlsLog } from './ops/tls-reports.ts'
import { UpstreamLog } from './ops/upstream-log.ts'
import type { UpstreamState } from './ops/upstream-metrics.ts'
import { newValue } from './stores/fence-value.ts'
import type { SharedState } from './stores/redis.ts'

/** Whoever listens to the reports of the cache and the front ends. */
export interface Observers {
  readonly log: Logger
  readonly clock: Clock
  readonly reporting: Reporting
  readonly traffic: TenantTraffic
  readonly problems: RecentProblems
}

/** Built before the rest, since all of it reports. `more` hears of everything too. */
export function buildObservers(
  config: Config,
  log: Logger,
  clock: Clock,
  more: ConstructorParameters<typeof Reporting>[number],
): Observers {
  const traffic = new TenantTraffic()
  const problems = new RecentProblems(clock)
  const logs = [new AccessLog(log, config.log.slowMs), new UpstreamLog(log, clock), new TlsLog(log)]
  const reporting = new Reporting(...logs, traffic, problems, more)
  return { log, clock, reporting, traffic, problems }
}

/** OpenTelemetry is loaded only where spans are exported. */
export async function buildTracer(
  { tracing }: Config,
  { clock, reporting }: Observers,
): Promise<Tracer> {
  const { otlpUrl } = tracing
  if (otlpUrl === null) return new SilentTracer(tracing.sampleRatio)
  const { openTracing } = await import('./ops/tracing.ts')
  const onChange = (isFailing: boolean): void => reporting.traceExportChanged(isFailing)
  return openTracing({ ...tracing, otlpUrl }, clock, onChange)
}

/** What operators may see and steer. */
export interface Operated {
  readonly config: Config
  readonly memory: MemoryStore
  readonly sharing: SharingMode
  readonly fences: WriteFences
  readonly credentials: Credentials
  /** Null: no Redis is configured. */
  readonly shared: SharedState | null
  readonly tenants: TenantSwitch
  readonly upstream: UpstreamState
  readonly certificates: () => CertificateExpiries
  /** Files of TLS that are configured. */
  readonly tlsFiles: readonly TlsFile[]
  readonly isReady: () => boolean
  readonly explainer: Explainer
  readonly around: Omit<Surroundings, 'credentialOf' | 'tier'>
  /** How the front ends tell of it. */
  readonly wording: Pick<ExplainDependencies, 'cacheStatus' | 'problemOf'>
}

/** So many tenants one process tells of, where several are told of as one. */
const TOLD_TENANTS = 100

export interface Operations {
  readonly server: FastifyInstance
  readonly inside: OperationsInside
}

/** The same, without a listener: for a process whose operations listener is another's. */
export interface OperationsInside {
  readonly inject: FastifyInstance['inject']
  readonly metrics: () => Promise<unknown>
  readonly observations: () => Observations
}

/** The operations listener, which does not listen yet. */
export async function buildOperations(
  operated: Operated,
  observers: Observers,
): Promise<Operations> {
  const { config, shared, isReady } = operated
  const metrics = meter(operated, observers)
  const token = config.ops.adminToken
  const { clock, log, reporting, traffic, problems } = observers
  const { registry } = metrics
  const memoryMaxBytes = config.cache.memory.maxBytes
  const server = await createOpsServer({
    listener: { ...config.ops, faulted: (error, id) => reporting.faulted(error, id) },
    registry,
    isReady,
    redis: shared,
    admin: token === null ? null : { token, clock, log, routes: adminRoutes(operated, observers) },
    dashboard: {
      ...{ clock, registry, isReady, traffic, problems, memoryMaxBytes },
      upstreamName: upstreamName(config),
      isOperator: operatorCheck(token, clock),
    },
  })
  const inject = server.inject.bind(server) as FastifyInstance['inject']
  return {
    server,
    inside: {
      inject,
      metrics: () => registry.getMetricsAsJSON(),
      observations: () => ({ tenants: traffic.top(TOLD_TENANTS), problems: problems.list() }),
    },
  }
}

/** Metrics hear of everything from here on. */
function meter(
  { memory, sharing, shared, config, tenants, upstream, ...operated }: Operated,
  { clock, reporting, traffic }: Observers,
): Metrics {
  const sources = {
    clock,
    memory,
    sharing: config.cache.sharing,
    trippedTenants: () => sharing.trippedCount,
    switchedOffTenants: () => tenants.off.length,
    redis: shared,
    traffic,
    upstream,
    certificates: operated.certificates,
    tlsFiles: operated.tlsFiles,
  }
  const metrics = new Metrics(sources, version())
  reporting.add(metrics.requests)
  reporting.add(metrics.instance)
  reporting.add(metrics.upstream)
  reporting.add(metrics.tls)
  return metrics
}

function adminRoutes(
  { fences, credentials, shared, explainer, around, wording, tenants }: Operated,
  { reporting, traffic }: Observers,
): AdminRoute[] {
  const rollCall = shared?.rollCall ?? ALONE
  const purger = new Purger({ fences, rollCall, reporter: reporting, newId: newValue })
  const share = async (tenant: string, isOff: boolean): Promise<boolean> =>
    shared === null || shared.switchTenant(tenant, isOff)
  const known = {
    tier: shared?.sight ?? null,
    credentialOf: (partition: string) => credentials.withPartition(partition),
  }
  return [
    explainRoute({ explainer, around: { ...around, ...known }, ...wording }),
    purgeRoute(purger),
    credentialRoute((authorization) => credentials.of(authorization)),
    tenantsRoute(traffic, tenants),
    tenantRoute((tenant, isOff) => switchTenant(tenant, isOff, { tenants, share, purger })),
  ]
}

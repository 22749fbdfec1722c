/** The clients of what stands beside an instance: the upstream, and the Redis that instances share. */
import type { VersionPins } from './auth/version-pins.ts'
import type { MemoryStore } from './cache/ports.ts'
import type { Reporter } from './cache/report.ts'
import type { TenantSwitch } from './cache/tenant-switch.ts'
import { readCertificates } from './config/files.ts'
import type { Config } from './config/schema.ts'
import type { TlsReloads } from './config/tls-reloads.ts'
import type { Clock } from './lib/clock.ts'
import type { FrontEnds } from './listeners.ts'
import type { Operated } from './operations.ts'
import type { Reporting } from './ops/reporting.ts'
import { createSharedState, type SharedState } from './stores/redis.ts'
import { UpstreamClient } from './upstream/client.ts'

/** One fence for so many bytes of the memory tier: several times as many as there can be entries. */
const BYTES_PER_FENCE = 512

export function maxFencesOf({ cache }: Config): number {
  return Math.max(1024, Math.ceil(cache.memory.maxBytes / BYTES_PER_FENCE))
}

/** What instances share, if Redis is configured. */
export function connectInstances(
  config: Config,
  memory: MemoryStore,
  clock: Clock,
  reporting: Reporting,
  pins: VersionPins,
  tenants: TenantSwitch,
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
    fillTimeoutMs: config.upstream.totalTimeoutMs,
    lifetimes: [longestTtlMs, limits.grantTtlMs, limits.credentialTtlMs],
    observer: reporting,
    tenants,
    onPinChange: (partition, version) => pins.changed(partition, version),
    onPinsMissed: () => pins.forget(),
  })
}

export function connectUpstream(
  { server, upstream, cache }: Config,
  clock: Clock,
  reporting: Reporting,
  random: () => number,
): UpstreamClient {
  const ca = readCertificates('upstream.ca', upstream.ca)
  const { maxBodyBytes } = cache
  const faulted: Reporter['faulted'] = (error, requestId) => reporting.faulted(error, requestId)
  const failed: Reporting['upstreamFailed'] = (call) => reporting.upstreamFailed(call)
  const { uploadPauseMs, publicUrl } = server
  const own = { ca, maxBodyBytes, uploadPauseMs, publicUrl, clock, faulted, failed, random }
  return new UpstreamClient({ ...upstream, ...own })
}

/** What metrics ask of the upstream and of certificates. */
export function measured(
  reloads: TlsReloads,
  client: UpstreamClient,
  waiting: () => number,
): Pick<Operated, 'upstream' | 'certificates' | 'tlsFiles'> {
  return {
    upstream: { connections: () => client.connections, waiting },
    certificates: () => ({ ...reloads.expiries, upstream: client.certificateExpiresAt }),
    tlsFiles: reloads.files,
  }
}

/** What changed files of TLS are for. */
export function renewBy(
  reloads: TlsReloads,
  { renewTls }: FrontEnds,
  client: UpstreamClient,
  shared: SharedState | null,
): void {
  reloads.start({
    server: renewTls,
    'upstream-ca': (pem) => client.trust(pem),
    'redis-ca': (pem) => shared?.trustAuthorities(pem),
  })
}

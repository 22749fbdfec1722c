/** `docs/metrics.md`, made of the registry that `/metrics` is told from. */
import { Metrics } from '../src/ops/metrics.ts'
import { PrimaryMetrics } from '../src/ops/primary-metrics.ts'
import {
  CERTIFICATE_USES,
  CONNECTION_STATES,
  FILL_RESULTS,
  INVALIDATION_SOURCES,
  KEPT_HEADERS,
  OUTCOMES,
  REJECT_REASONS,
  STALE_REASONS,
  TIERS,
  TLS_FILES,
  TLS_RELOAD_RESULTS,
  UPSTREAM_CAUSES,
} from '../src/ops/vocabularies.ts'

/** A metric as prom-client's registry lists it. */
interface Listed {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames: readonly string[]
}

const INTRODUCTION = `# Metrics

Generated from the registry (\`src/ops/\`) by \`npm run docs:generate\`. \`GET /metrics\` on the operations port tells them as Prometheus text 0.0.4, or as
OpenMetrics 1.0 to those who prefer it (\`Accept\`). There, \`layby_request_seconds\` and \`layby_fill_seconds\` have exemplars with the \`trace_id\` of the last
observation in each bucket whose trace is known. In OpenMetrics a counter's family has no \`_total\`; its samples do.

Layby's own metrics begin with \`layby_\`. Those of the process and of Node.js (\`process_…\`, \`nodejs_…\`) keep the names that prom-client gives them: those
that dashboards and rules for Node.js know ([decisions/2026-12-01-metric-names.md](decisions/2026-12-01-metric-names.md)). Select them by \`job\`.

An instance has 500 series at most, whatever clients send: tenants appear by rank only, paths, methods and versions not at all. Once
\`layby_requests_total\` has 80 combinations, further ones are counted together under \`outcome="other"\`. With several processes
(\`server.processes\`) counters and histograms are sums over all of them, and exemplars are left out.

Log line, \`Cache-Status\` and metrics come from the same record of an outcome, so the words are the same. Not there yet, since what they would tell of is
not: \`layby_grant_probe_total\`, \`layby_served_unverified_total\`, \`layby_sentinel_total\`.

| metric | type | labels | meaning |
|---|---|---|---|
`

function words(vocabulary: object): string {
  return Object.keys(vocabulary)
    .map((word) => `\`${word}\``)
    .join(', ')
}

const CAUSES: Readonly<Record<keyof typeof UPSTREAM_CAUSES, string>> = {
  dns: 'the name in `upstream.url` has no address, or could not be looked up; nothing was sent',
  refused: 'nothing listens at its address and port; nothing was sent',
  'no-route': 'no network leads to its address; nothing was sent',
  local:
    'this host can not open a connection: no file descriptor, port or memory is left, or a rule forbids it; nothing was sent',
  'connect-timeout': 'no connection within `upstream.connectTimeoutMs`; nothing was sent',
  tls: 'the handshake failed, or the certificate was not accepted; `error.reason` says what is wrong; nothing was sent, unless the API objects to what it was sent',
  reset: 'the connection ended before the answer began',
  truncated: 'the connection ended within the answer',
  'bad-http': 'what came is no valid HTTP, or no answer to the request',
  'headers-timeout': 'the answer did not begin within `upstream.headersTimeoutMs`',
  'body-timeout': 'a pause within the answer was longer than `upstream.bodyTimeoutMs`',
  'total-timeout':
    'the answer took longer than `upstream.totalTimeoutMs`, or its stream than `upstream.streamTimeoutMs`',
  'queue-timeout':
    'as many requests as may be were under way to the API, and none ended in time; nothing was sent',
  stopping: 'the process ends',
}

const LABELS = `
## Labels

| label | words |
|---|---|
| \`outcome\` | ${words(OUTCOMES)}; \`other\` |
| \`tier\` | ${words(TIERS)}; \`none\` in \`layby_requests_total\` where nothing came from one |
| \`reason\` | in \`layby_requests_total\` the \`detail\` of \`Cache-Status\`, or \`none\`; in \`layby_reject_total\` ${words(REJECT_REASONS)} |
| \`code\` | HTTP status |
| \`why\` | ${words(STALE_REASONS)} |
| \`result\` | ${words(FILL_RESULTS)}; of \`layby_tls_reloads_total\` ${words(TLS_RELOAD_RESULTS)} |
| \`file\` | ${words(TLS_FILES)}, where they are configured; \`server\`: certificate and key together |
| \`source\` | ${words(INVALIDATION_SOURCES)} |
| \`header\` | ${words(KEPT_HEADERS)} |
| \`cause\` | ${words(UPSTREAM_CAUSES)} (see below) |
| \`certificate\` | ${words(CERTIFICATE_USES)}: of the public listener, shown by the API when it was last connected to, and the authorities of \`upstream.ca\` and \`redis.ca\` |
| \`state\` | ${words(CONNECTION_STATES)} |
| \`target\` | \`upstream\`, \`redis\` |
| \`tenant_rank\` | \`1\` to \`10\`; of \`layby_tenant_top_requests\`, \`layby tenants\` tells who it is |
| \`sharing\` | the value of \`cache.sharing\` |
| \`version\` | of Layby |
| \`node\` | version of Node.js |

## Causes of failed calls

\`layby_upstream_errors_total\` counts each call to the API that brought no valid answer, reads for the cache and what passes through alike, and
so does the log line "upstream call failed" (field \`cause\`, with \`error.code\` and \`error.reason\` where there are). A call that is made once more, since
its connection was just being closed, counts by how it ended. An answer of the API with status 5xx is no failed call.

| cause | meaning |
|---|---|
${Object.entries(CAUSES)
  .map(([cause, meaning]) => `| \`${cause}\` | ${meaning} |`)
  .join('\n')}

How \`layby_staleness_seconds\` is measured: [decisions/2026-11-24-measured-staleness.md](decisions/2026-11-24-measured-staleness.md).
`

/** Layby's own in order of name, then those of the runtime. */
export function listedMetrics(): Listed[] {
  const sources = {
    clock: { wall: () => 0 },
    memory: { bytes: 0, entries: 0, evictions: 0, largestTenants: () => [] },
    sharing: 'witnessed',
    trippedTenants: () => 0,
    switchedOffTenants: () => 0,
    traffic: { top: () => [] },
    upstream: { connections: () => ({ connecting: 0, active: 0, idle: 0 }), waiting: () => 0 },
    tlsFiles: ['server'] as const,
    certificates: () => ({ server: null, upstream: null, 'upstream-ca': null, 'redis-ca': null }),
    redis: {
      isUsable: true,
      isWritable: true,
      isTrusted: true,
      isBreakerOpen: false,
      isBusLive: true,
      pendingInvalidations: 0,
    },
  }
  const instance = new Metrics(sources, '0.0.0')
  const primary = new PrimaryMetrics(0, () => 0)
  // What both have is the instance's.
  const byName = [primary.registry, instance.registry].flatMap((registry) =>
    (registry.getMetricsAsArray() as unknown as Listed[]).map((each) => [each.name, each] as const),
  )
  const listed = [...new Map(byName).values()]
  const isOfRuntime = ({ name }: Listed): boolean => /^(process|nodejs)_/.test(name)
  const rank = (metric: Listed): string => `${Number(isOfRuntime(metric))}${metric.name}`
  return listed.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

export function metricsPage(): string {
  const rows = listedMetrics().map(({ name, type, labelNames, help }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${labels} | ${help.replace(/\.$/, '')} |`
  })
  return `${INTRODUCTION}${rows.join('\n')}\n${LABELS}`
}

/** `docs/metrics.md`, made of the registry that `/metrics` is told from. */
import { Metrics } from '../src/ops/metrics.ts'
import { PrimaryMetrics } from '../src/ops/primary-metrics.ts'
import {
  FILL_RESULTS,
  INVALIDATION_SOURCES,
  KEPT_HEADERS,
  OUTCOMES,
  REJECT_REASONS,
  STALE_REASONS,
  TIERS,
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
\`layby_requests_total\` has 110 combinations, further ones are counted together under \`outcome="other"\`. With several processes
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

const LABELS = `
## Labels

| label | words |
|---|---|
| \`outcome\` | ${words(OUTCOMES)}; \`other\` |
| \`tier\` | ${words(TIERS)}; \`none\` in \`layby_requests_total\` where nothing came from one |
| \`reason\` | in \`layby_requests_total\` the \`detail\` of \`Cache-Status\`, or \`none\`; in \`layby_reject_total\` ${words(REJECT_REASONS)} |
| \`code\` | HTTP status |
| \`why\` | ${words(STALE_REASONS)} |
| \`result\` | ${words(FILL_RESULTS)} |
| \`source\` | ${words(INVALIDATION_SOURCES)} |
| \`header\` | ${words(KEPT_HEADERS)} |
| \`target\` | \`upstream\`, \`redis\` |
| \`tenant_rank\` | \`1\` to \`10\`; of \`layby_tenant_top_requests\`, \`layby tenants\` tells who it is |
| \`sharing\` | the value of \`cache.sharing\` |
| \`version\` | of Layby |
| \`node\` | version of Node.js |

How \`layby_staleness_seconds\` is measured: [decisions/2026-11-24-measured-staleness.md](decisions/2026-11-24-measured-staleness.md).
`

/** Layby's own in order of name, then those of the runtime. */
export function listedMetrics(): Listed[] {
  const sources = {
    clock: { wall: () => 0 },
    memory: { bytes: 0, entries: 0, largestTenants: () => [] },
    sharing: 'witnessed',
    trippedTenants: () => 0,
    switchedOffTenants: () => 0,
    traffic: { top: () => [] },
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

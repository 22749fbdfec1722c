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
OpenMetrics 1.0 to those who prefer it (\`Accept\`). There, \`request_seconds\` and \`fill_seconds\` have exemplars with the \`trace_id\` of the last
observation in each bucket whose trace is known. In OpenMetrics a counter's family has no \`_total\`; its samples do.

An instance has 500 series at most, whatever clients send: tenants appear by rank only, paths, methods and versions not at all. Once
\`requests_total\` has 110 combinations, further ones are counted together under \`outcome="other"\`. With several processes
(\`server.processes\`) counters and histograms are sums over all of them, and exemplars are left out.

Log line, \`Cache-Status\` and metrics come from the same record of an outcome, so the words are the same. Not there yet, since what they would tell of is
not: \`grant_probe_total\`, \`served_unverified_total\`, \`sentinel_total\`.

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
| \`tier\` | ${words(TIERS)}; \`none\` in \`requests_total\` where nothing came from one |
| \`reason\` | in \`requests_total\` the \`detail\` of \`Cache-Status\`, or \`none\`; in \`reject_total\` ${words(REJECT_REASONS)} |
| \`code\` | HTTP status |
| \`why\` | ${words(STALE_REASONS)} |
| \`result\` | ${words(FILL_RESULTS)} |
| \`source\` | ${words(INVALIDATION_SOURCES)} |
| \`header\` | ${words(KEPT_HEADERS)} |
| \`target\` | \`upstream\`, \`redis\` |
| \`tenant_rank\` | \`1\` to \`10\`; of \`tenant_top_requests\`, \`layby tenants\` tells who it is |
| \`sharing\` | the value of \`cache.sharing\` |

How \`staleness_seconds\` is measured: [decisions/2026-11-24-measured-staleness.md](decisions/2026-11-24-measured-staleness.md).
`

/** Layby's own in order of name, then those of the runtime. */
export function listedMetrics(): Listed[] {
  const instance = new Metrics({
    clock: { wall: () => 0 },
    memory: { bytes: 0, entries: 0, largestTenants: () => [] },
    sharing: 'witnessed',
    trippedTenants: () => 0,
    traffic: { top: () => [] },
    redis: {
      isUsable: true,
      isWritable: true,
      isTrusted: true,
      isBreakerOpen: false,
      isBusLive: true,
      pendingInvalidations: 0,
    },
  })
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

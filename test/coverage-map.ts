/**
 * Which files count towards the coverage of `src`: all but these. They repeat, a great many times or in many
 * processes, what others run as well, and counting every block of it would take a third of their time.
 */
const UNCOUNTED: ReadonlySet<string> = new Set([
  'integration/bounded-series',
  'integration/cli',
  'integration/coherence',
  'integration/fast-path-same-answers',
  'integration/image',
  'integration/isolation',
  'integration/memory-plateau',
  'integration/noisy-tenant',
  'integration/permission-matrix',
  'integration/process-limits',
  'integration/process-stalls',
  'integration/processes-coherence',
  'integration/read-your-writes',
  'integration/rolling-restart',
  'integration/staleness',
  'integration/upstream-trouble',
  'unit/bench/simulate',
  'unit/cache/explain-property',
  'unit/cache/fence-schedules',
  'unit/processes/schedules',
])

/** tap asks for each test file: null, none is counted; an empty list, all are. */
// biome-ignore lint/style/noDefaultExport: tap asks for one.
export default function coverageMap(file: string): readonly string[] | null {
  return UNCOUNTED.has(file.replace(/^\.build\/test\/|\.test\.js$/g, '')) ? null : []
}

/**
 * The screen of `layby top`, from one snapshot and the figures of the last while. Pure. The figures and the
 * verdict are those of the dashboard's page, so that the two can't say different things.
 */
import { type Figures, hitShare, joined, perSecond, quantile } from '../ops/figures.ts'
import { mainReason } from '../ops/findings.ts'
import type { Histogram } from '../ops/samples.ts'
import type { Snapshot } from '../ops/snapshot.ts'
import { verdictOf } from '../ops/verdict.ts'
import { fit, tableLines, wrapped } from './columns.ts'
import { byteSize, duration, latency, percent, shortCount } from './figures.ts'
import type { Tone, ToneLine } from './paint.ts'
import { printable } from './printable.ts'
import { hitRatio } from './tenants.ts'

export interface TopView {
  /** Where the instance is asked. */
  readonly base: string
  readonly snapshot: Snapshot
  readonly figures: Figures
  /** Why the last call brought nothing; null: it did. */
  readonly fault: string | null
  /** Whether keys do something. */
  readonly isLive: boolean
}

export interface ScreenSize {
  readonly columns: number
  readonly rows: number
}

export const TITLE_WIDTH = 14
const BAR_WIDTH = 30
const LATENCIES = ['hit', 'fill', 'pass-through'] as const
const MIN_LIST = 1

/** As many lines as there are rows, at most, and none wider than the screen. */
export function topScreen(view: TopView, { columns, rows }: ScreenSize): ToneLine[] {
  const above = [
    ...headLines(view, columns),
    plain(''),
    ...trafficLines(view),
    ...stateLines(view),
    plain(''),
  ]
  // Two titles; what is left is shared by the lists.
  const room = Math.max(2 * MIN_LIST, rows - above.length - 2)
  const problems = problemLines(view.snapshot)
  const tenants = tenantLines(view.snapshot)
  const forProblems = Math.max(Math.floor(room / 2), room - tenants.length)
  const listed = [
    ...titled(tenants, room - Math.min(forProblems, problems.length)),
    ...titled(problems, forProblems),
  ]
  return [...above, ...listed]
    .slice(0, rows)
    .map(({ text, tone }) => ({ text: fit(text, columns), tone }))
}

const plain = (text: string): ToneLine => ({ text, tone: 'plain' })

function row(title: string, ...cells: readonly string[]): ToneLine {
  return { text: `${title.padEnd(TITLE_WIDTH)}${cells.join('  ')}`.trimEnd(), tone: 'title' }
}

function titled([title = '', ...lines]: readonly string[], room: number): ToneLine[] {
  return [{ text: title, tone: 'title' }, ...lines.slice(0, room).map(plain)]
}

function during({ seconds }: Figures): string {
  return seconds === null ? 'since it began' : `in the last ${duration(Math.round(seconds))}`
}

function headLines(view: TopView, columns: number): ToneLine[] {
  const { base, snapshot, figures, fault, isLive } = view
  const { at, startedAt, isReady } = snapshot
  const upMs = startedAt === null ? null : Math.max(0, at - startedAt)
  const up = upMs === null ? '' : `  up ${duration(Math.round(upMs / 1000))}`
  const left = `layby  ${printable(base)}${up}  ${isReady ? 'ready' : 'NOT READY'}`
  const span = during(figures).replace('in the ', '')
  const right = `${span}  ${timeOf(at)}${isLive ? '  q: quit' : ''}`
  const gap = Math.max(2, columns - left.length - right.length)
  const verdict = verdictOf(snapshot, figures, during(figures))
  const [worst] = verdict.findings
  const told = worst?.text ?? verdict.because
  const more = verdict.findings.length > 1 ? ` (and ${verdict.findings.length - 1} more)` : ''
  const [first = '', ...rest] = wrapped(printable(told) + more, columns)
  const headline: ToneLine =
    fault === null
      ? { text: verdict.title, tone: toneOf(verdict.state) }
      : { text: `No news: ${printable(fault)}`, tone: 'bad' }
  return [
    { text: `${left}${' '.repeat(gap)}${right}`, tone: 'plain' },
    headline,
    { text: first, tone: worst === undefined ? 'plain' : worst.state },
    ...rest.slice(0, 1).map((text): ToneLine => ({ text, tone: worst?.state ?? 'plain' })),
  ]
}

function toneOf(state: 'good' | 'watch' | 'bad' | 'idle'): Tone {
  return state === 'idle' ? 'plain' : state
}

/** UTC, as the log has it. */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)}Z`
}

function trafficLines({ snapshot, figures }: TopView): ToneLine[] {
  const { byOutcome } = figures
  const share = hitShare(figures, 'any')
  const filled = Math.round((share ?? 0) * BAR_WIDTH)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
  const memory = `memory ${percent(hitShare(figures, 'memory'))}`
  const redis = snapshot.redis === null ? '' : `redis ${percent(hitShare(figures, 'redis'))}`
  return [
    row('HIT RATIO', percent(share).padStart(6), bar, memory, redis),
    row(
      'REQUESTS',
      `${rate(figures, figures.requests)}  reads ${rate(figures, figures.reads)}`,
      `refused ${count(byOutcome['refused'])}  failed ${count(byOutcome['failed'])}`,
      `turned away ${count(figures.shed + figures.limited)}`,
    ),
    ...latencyLines(figures),
  ]
}

function rate(figures: Figures, amount: number): string {
  const perSec = perSecond(figures, amount)
  return perSec === null ? shortCount(amount) : `${shortCount(perSec)}/s`
}

function count(amount = 0): string {
  return shortCount(amount)
}

function latencyLines({ latency: byOutcome }: Figures): ToneLine[] {
  const all = joined(Object.values(byOutcome))
  const rows: [string, Histogram | undefined][] = LATENCIES.map((word) => [word, byOutcome[word]])
  const cells = [...rows, ['all', all] as const].map(([word, histogram]) => [
    word,
    ...[0.5, 0.95, 0.99].map((part) =>
      latency(histogram === undefined ? null : quantile(histogram, part)),
    ),
    shortCount(histogram?.count ?? 0),
  ])
  const [title = '', ...lines] = tableLines(
    [
      { title: 'LATENCY'.padEnd(TITLE_WIDTH - 2) },
      { title: '    p50', align: 'right' },
      { title: '    p95', align: 'right' },
      { title: '    p99', align: 'right' },
      { title: 'requests', align: 'right' },
    ],
    cells,
  )
  return [{ text: title, tone: 'title' }, ...lines.map(plain)]
}

function stateLines({ snapshot, figures }: TopView): ToneLine[] {
  const { breakers, redis, memory, followers } = snapshot
  const { stale, invalidations, upstreamErrors } = figures
  const isOpen = breakers['upstream'] === true
  const breaker = isOpen ? 'breaker OPEN' : 'breaker closed'
  const full = memory.maxBytes === 0 ? null : memory.bytes / memory.maxBytes
  const resident = memory.residentBytes === null ? '' : `process ${byteSize(memory.residentBytes)}`
  return [
    row(
      'UPSTREAM',
      `calls ${rate(figures, figures.calls)}  saved ${rate(figures, figures.saved)}`,
      `5xx ${count(upstreamErrors)}  ${breaker}`,
    ),
    row(
      'STALE',
      counted(stale, ['swr', 'sie', 'max-stale']),
      `followers ${count(followers)} in all`,
    ),
    row('INVALIDATED', counted(invalidations, ['write', 'change', 'bus', 'purge', 'credential'])),
    row('REDIS', ...redisCells(redis)),
    row(
      'MEMORY',
      `${byteSize(memory.bytes)} of ${byteSize(memory.maxBytes)} (${percent(full)})`,
      `${shortCount(memory.entries)} entries`,
      resident,
    ),
  ]
}

/** Those that are always told first, then the others that happened. */
function counted(counts: Readonly<Record<string, number>>, always: readonly string[]): string {
  const others = Object.keys(counts).filter((word) => !always.includes(word) && counts[word] !== 0)
  return [...always, ...others]
    .map((word) => `${printable(word)} ${shortCount(counts[word] ?? 0)}`)
    .join('  ')
}

function redisCells(redis: Snapshot['redis']): string[] {
  if (redis === null) return ['not configured: one instance, with its own memory']
  const { isUp, isBusLive, busGaps, mismatches } = redis
  return [
    isUp ? 'up' : 'DOWN',
    isBusLive ? 'bus live' : 'bus SILENT',
    `gaps ${shortCount(busGaps.count)} (${duration(busGaps.sum)} in all)`,
    `mismatches ${shortCount(mismatches)}`,
  ]
}

function tenantLines({ tenants }: Snapshot): string[] {
  const columns = [
    { title: 'TENANT'.padEnd(TITLE_WIDTH - 2) },
    { title: 'REQUESTS', align: 'right' },
    { title: 'HIT RATIO', align: 'right' },
    { title: 'MISSES MOSTLY' },
  ] as const
  const rows = tenants.map((tenant) => [
    printable(tenant.tenant),
    shortCount(tenant.requests),
    percent(hitRatio({ ...tenant, misses: { ...tenant.misses } as Record<string, number> })),
    printable(mainReason(tenant.misses) ?? ''),
  ])
  return tableLines(columns, rows.length === 0 ? [['none yet']] : rows)
}

function problemLines({ problems }: Snapshot): string[] {
  const columns = [
    { title: 'LAST PROBLEMS'.padEnd(TITLE_WIDTH - 2) },
    { title: 'STATUS' },
    { title: 'TENANT' },
    { title: 'CODE' },
    { title: 'REQUEST' },
  ] as const
  const rows = problems.map(({ at, count: times, code, status, tenant, requestId }) => [
    timeOf(at),
    String(status),
    printable(tenant ?? ''),
    printable(times === 1 ? code : `${code} ×${shortCount(times)}`),
    printable(requestId),
  ])
  return tableLines(columns, rows.length === 0 ? [['none']] : rows)
}

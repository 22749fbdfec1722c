/** Medians, ratios and the printed tables. */
import type { Contestant } from './contestants.ts'
import type { Sample } from './measure.ts'
import type { Scenario } from './scenarios.ts'

export type Row = {
  readonly scenario: string
  readonly contestant: string
  readonly title: string
  readonly rounds: number
  readonly cpuMicrosecondsPerRequest: number
  readonly cpuMicrosecondsLowest: number
  readonly cpuMicrosecondsHighest: number
  readonly requestsPerSecond: number
  readonly coreShare: number
  readonly p50Microseconds: number
  readonly p99Microseconds: number
  readonly socketErrors: number
  readonly baseline: string
  /** CPU per request of the baseline ÷ that of this row: median of the ratios of each round. */
  readonly baselineToThis: number | undefined
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** Rounds are paired: what made one round slow made it slow for both. */
function pairedRatio(baseline: readonly Sample[], own: readonly Sample[]): number | undefined {
  const ratios = own.flatMap((sample) => {
    const partner = baseline.find(({ round }) => round === sample.round)
    if (partner === undefined) return []
    return [partner.cpuMicrosecondsPerRequest / sample.cpuMicrosecondsPerRequest]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

/** What a scenario's ratios refer to: Layby if it was timed, else the first that was. */
function baselineOf(samples: readonly Sample[]): string | undefined {
  const timed = samples.map(({ contestant }) => contestant)
  return timed.find((id) => id.startsWith('layby')) ?? timed[0]
}

function summarise(
  scenario: Scenario,
  contestant: Contestant,
  samples: readonly Sample[],
): Row | undefined {
  const ofScenario = samples.filter((sample) => sample.scenario === scenario.id)
  const own = ofScenario.filter((sample) => sample.contestant === contestant.id)
  if (own.length === 0) return undefined
  const baseline = baselineOf(ofScenario) ?? contestant.id
  const cpu = own.map((sample) => sample.cpuMicrosecondsPerRequest)
  return {
    scenario: scenario.id,
    contestant: contestant.id,
    title: contestant.title,
    rounds: own.length,
    cpuMicrosecondsPerRequest: median(cpu),
    cpuMicrosecondsLowest: Math.min(...cpu),
    cpuMicrosecondsHighest: Math.max(...cpu),
    requestsPerSecond: median(own.map((sample) => sample.requestsPerSecond)),
    coreShare: median(own.map((sample) => sample.coreShare)),
    p50Microseconds: median(own.map((sample) => sample.p50Microseconds)),
    p99Microseconds: median(own.map((sample) => sample.p99Microseconds)),
    socketErrors: own.reduce((sum, sample) => sum + sample.socketErrors, 0),
    baseline,
    baselineToThis: pairedRatio(
      ofScenario.filter((sample) => sample.contestant === baseline),
      own,
    ),
  }
}

export function summariseAll(
  scenarios: readonly Scenario[],
  contestants: readonly Contestant[],
  samples: readonly Sample[],
): Row[] {
  return scenarios.flatMap((scenario) =>
    contestants.flatMap((contestant) => summarise(scenario, contestant, samples) ?? []),
  )
}

/** First column to the left, figures to the right. */
export function alignColumns(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]?.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  return lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths?.[column] ?? 0
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Below this share of its core the server waited, and its throughput says nothing about it. */
const saturatedShare = 0.9

export function isSaturated(row: Row): boolean {
  return row.coreShare >= saturatedShare
}

function cells(row: Row): string[] {
  const mark = isSaturated(row) ? '' : '~'
  return [
    row.title,
    row.cpuMicrosecondsPerRequest.toFixed(1),
    `${row.cpuMicrosecondsLowest.toFixed(1)}-${row.cpuMicrosecondsHighest.toFixed(1)}`,
    row.baselineToThis?.toFixed(2) ?? '-',
    `${mark}${Math.round(row.requestsPerSecond)}`,
    `${Math.round(row.coreShare * 100)}%`,
    `${row.p50Microseconds}`,
    `${row.p99Microseconds}`,
    row.socketErrors === 0 ? '' : `${row.socketErrors} socket errors`,
  ]
}

/** What stands before the upstream adds to it, where a direct call was timed too. */
function addedBy(rows: readonly Row[]): string[] {
  const direct = rows.find(({ contestant }) => contestant === 'stand-in-upstream')
  if (direct === undefined) return []
  return rows.flatMap((row) =>
    row === direct
      ? []
      : [`${row.title}: p50 ${row.p50Microseconds - direct.p50Microseconds} µs more than direct`],
  )
}

export function tableOf(scenario: Scenario, rows: readonly Row[]): string {
  const baseline = rows[0]?.baseline ?? ''
  const header = [
    '',
    'CPU µs/request',
    'range',
    `${baseline} ÷ it`,
    'requests/s',
    'core',
    'p50 µs',
    'p99 µs',
    '',
  ]
  const lines = alignColumns([header, ...rows.map(cells)])
  return [`${scenario.id}: ${scenario.title}`, ...lines, ...addedBy(rows)].join('\n')
}

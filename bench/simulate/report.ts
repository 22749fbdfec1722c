/** From results to the table that is printed. Pure. */
import { MAX_FETCH_MS, type ShiftResult, type ShiftSettings } from './shift.ts'

export interface Row extends Pick<ShiftSettings, 'sharing' | 'ttlMs' | 'grantTtlMs'> {
  readonly credentialTtlMs: number
  readonly result: ShiftResult
}

interface Column {
  readonly title: string
  readonly cell: (row: Row) => string
}

interface Promised {
  readonly broken: string
  readonly isKept: (row: Row) => boolean
}

/** `cache.ttlJitter` is at its default. */
const LONGEST_TTL = 1.1

/** What holds in every shift, whatever was drawn. */
const PROMISES: readonly Promised[] = [
  {
    broken: 'bytes that the upstream had not given to their reader',
    isKept: ({ sharing, result }) =>
      (sharing === 'tenant' ? result.foreignWhileTripped : result.foreignAnswers) === 0,
  },
  {
    broken: 'an answer older than a known write',
    isKept: ({ result }) => result.olderThanKnownWrite === 0,
  },
  {
    broken: 'an answer older than the TTL',
    isKept: ({ ttlMs, result }) => result.age.worst <= ttlMs * LONGEST_TTL + MAX_FETCH_MS,
  },
  {
    broken: 'a withdrawn token answered after the credential TTL',
    isKept: ({ credentialTtlMs, result }) => result.revokedFor <= credentialTtlMs + MAX_FETCH_MS,
  },
  {
    broken: 'an old role’s bytes after the grant TTL',
    isKept: ({ sharing, grantTtlMs, result }) =>
      sharing === 'tenant' || result.oldRoleFor <= grantTtlMs + MAX_FETCH_MS,
  },
]

const COLUMNS: readonly Column[] = [
  { title: 'sharing', cell: ({ sharing }) => sharing },
  { title: 'TTL', cell: ({ ttlMs }) => lifetime(ttlMs) },
  { title: 'upstream', cell: ({ result }) => String(result.upstreamReads) },
  { title: 'saved', cell: ({ result }) => `${saved(result).toFixed(1)} %` },
  { title: 'age med', cell: ({ result }) => duration(result.age.median) },
  { title: 'worst', cell: ({ result }) => duration(result.age.worst) },
  { title: 'outdated', cell: ({ result }) => `${outdated(result).toFixed(2)} %` },
  { title: 'stale med', cell: ({ result }) => duration(result.staleness.median) },
  { title: 'worst', cell: ({ result }) => duration(result.staleness.worst) },
  { title: 'revoked', cell: ({ result }) => duration(result.revokedFor) },
  { title: 'old role', cell: ({ result }) => duration(result.oldRoleFor) },
  { title: 'foreign', cell: ({ result }) => String(result.foreignAnswers) },
]

export function saved({ reads, upstreamReads }: ShiftResult): number {
  return reads === 0 ? 0 : 100 * (1 - upstreamReads / reads)
}

function outdated({ reads, outdatedAnswers }: ShiftResult): number {
  return reads === 0 ? 0 : (100 * outdatedAnswers) / reads
}

/** In Markdown, so that it can go into a page as it is. */
export function table(rows: readonly Row[]): string {
  const cells = [
    COLUMNS.map(({ title }) => title),
    ...rows.map((row) => COLUMNS.map(({ cell }) => cell(row))),
  ]
  const widths = COLUMNS.map((_, index) => Math.max(...cells.map((line) => line[index]!.length)))
  const rule = widths.map((width, index) => (index === 0 ? '-'.repeat(width) : ruleOf(width)))
  const [head, ...body] = cells.map((line) =>
    line.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!),
    ),
  )
  return [head!, rule, ...body].map((line) => `| ${line.join(' | ')} |`).join('\n')
}

/** Markdown's mark of a column that is aligned to the right. */
function ruleOf(width: number): string {
  return `${'-'.repeat(width - 1)}:`
}

/** What became of `tenant` sharing: one line for each TTL. */
export function trips(rows: readonly Row[]): string {
  return rows
    .filter(({ sharing }) => sharing === 'tenant')
    .map(({ ttlMs, result }) => `  TTL ${lifetime(ttlMs)}: ${tripOf(result)}`)
    .join('\n')
}

function tripOf(result: ShiftResult): string {
  const { foreignAnswers, foreignBeforeTrip, otherView, otherViewBeforeTrip } = result
  const all = `${foreignAnswers} foreign answers, ${otherView} of them of another role's view`
  const [first] = result.trips
  if (first === undefined) return `never tripped; ${all}`
  const before = `${foreignBeforeTrip} and ${otherViewBeforeTrip} before the first trip`
  return `tripped ${result.trips.length} times, first at ${duration(first)}; ${all} (${before})`
}

/** The broken promises, one line each; empty if all is well. */
export function faults(rows: readonly Row[]): string[] {
  return rows.flatMap((row) =>
    PROMISES.filter(({ isKept }) => !isKept(row)).map(
      ({ broken }) => `${row.sharing}, TTL ${lifetime(row.ttlMs)}: ${broken}`,
    ),
  )
}

function lifetime(milliseconds: number): string {
  const minutes = milliseconds / 60_000
  return minutes >= 120 ? `${minutes / 60} h` : `${minutes} min`
}

/** `m:ss` or `h:mm:ss`, rounded down; below ten seconds with a decimal. */
function duration(milliseconds: number): string {
  if (milliseconds === 0) return '-'
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.floor(milliseconds / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const end = String(seconds % 60).padStart(2, '0')
  if (hours === 0) return `${minutes}:${end}`
  return `${hours}:${String(minutes).padStart(2, '0')}:${end}`
}

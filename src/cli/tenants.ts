/** `layby tenants`: who asks most, and why they miss. */
import { AdminClient } from './admin-client.ts'
import { tableLines } from './columns.ts'
import { type Edges, fail, writeJson } from './edges.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { percent } from './figures.ts'
import { type TargetOptions, targetOf } from './ops-target.ts'
import { printable } from './printable.ts'
import type { TenantRow } from './replies.ts'

export interface TenantsOptions extends TargetOptions {
  readonly top: number
  readonly sort: 'misses' | 'requests'
  readonly json?: boolean
}

export async function tenants(options: TenantsOptions, edges: Edges): Promise<ExitCode> {
  const target = targetOf(options, edges.sources)
  if ('failure' in target) return fail(edges, target.failure)
  const reply = await new AdminClient(target.value).tenants(options.top)
  if ('failure' in reply) return fail(edges, reply.failure)
  const rows = sorted(reply.value.tenants, options.sort)
  if (options.json === true) writeJson(edges, { tenants: rows })
  else edges.stdout.write(`${tenantsLines(rows).join('\n')}\n`)
  return EXIT.done
}

export function missesOf({ misses }: TenantRow): number {
  return Object.values(misses).reduce((sum, count) => sum + count, 0)
}

function sorted(rows: readonly TenantRow[], by: TenantsOptions['sort']): TenantRow[] {
  const weight = by === 'misses' ? missesOf : ({ requests }: TenantRow) => requests
  return [...rows].sort((a, b) => weight(b) - weight(a))
}

/** Most frequent first. */
export function reasonsOf({ misses }: TenantRow): string {
  return Object.entries(misses)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${printable(reason)} ${count}`)
    .join(', ')
}

/** Of cached reads; null: there were none. */
export function hitRatio(row: TenantRow): number | null {
  const reads = row.hits + missesOf(row)
  return reads === 0 ? null : row.hits / reads
}

export function tenantsLines(rows: readonly TenantRow[]): string[] {
  if (rows.length === 0) return ['No tenant has asked for anything since this instance began.']
  return tableLines(
    [
      { title: 'TENANT' },
      { title: 'REQUESTS', align: 'right' },
      { title: 'HITS', align: 'right' },
      { title: 'HIT RATIO', align: 'right' },
      { title: 'MISSES', align: 'right' },
      { title: 'WHY THEY MISS' },
    ],
    rows.map((row) => [
      printable(row.tenant),
      String(row.requests),
      String(row.hits),
      percent(hitRatio(row)),
      String(missesOf(row)),
      reasonsOf(row),
    ]),
  )
}

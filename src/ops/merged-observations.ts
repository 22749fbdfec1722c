/** What the trackers of several processes have seen, as one. Pure. */
import { areAlike, joinedProblem, type RecentProblem } from './recent-problems.ts'
import type { MissReason, TenantFigures } from './tenant-traffic.ts'

export interface Observations {
  readonly tenants: readonly TenantFigures[]
  readonly problems: readonly RecentProblem[]
}

/** Added up; those that ask most, most first. A process that has not noticed a tenant adds nothing to it. */
export function mergedTenants(parts: readonly (readonly TenantFigures[])[]): TenantFigures[] {
  const byTenant = new Map<string, TenantFigures>()
  for (const figures of parts.flat()) {
    const known = byTenant.get(figures.tenant)
    byTenant.set(figures.tenant, known === undefined ? figures : added(known, figures))
  }
  return [...byTenant.values()].sort((a, b) => b.requests - a.requests)
}

/** Equal ones together, newest first. */
export function mergedProblems(parts: readonly (readonly RecentProblem[])[]): RecentProblem[] {
  const merged: RecentProblem[] = []
  for (const problem of parts.flat()) {
    const at = merged.findIndex((each) => areAlike(each, problem))
    const known = merged[at]
    if (known === undefined) merged.push(problem)
    else merged[at] = joinedProblem(known, problem)
  }
  return merged.sort((a, b) => b.at - a.at)
}

function added(a: TenantFigures, b: TenantFigures): TenantFigures {
  const misses: Partial<Record<MissReason, number>> = { ...a.misses }
  for (const [reason, count] of Object.entries(b.misses) as [MissReason, number][]) {
    misses[reason] = (misses[reason] ?? 0) + count
  }
  return {
    tenant: a.tenant,
    requests: a.requests + b.requests,
    hits: a.hits + b.hits,
    limited: a.limited + b.limited,
    failed: a.failed + b.failed,
    misses,
  }
}

/**
 * What has ended badly, for the dashboard: equal ones together, in bounded space, and of each
 * code some, so that a client that sends nonsense can't push out what is wrong with us or the upstream.
 */
import type { Report, Reporter } from '../cache/report.ts'
import { CACHED_ROUTES, WRITE_ROWS } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'

/** Requests that ended alike. */
export interface RecentProblem {
  /** Of the last; wall clock, milliseconds since 1970-01-01 UTC. */
  readonly at: number
  /** So many, since the first of them that is remembered. */
  readonly count: number
  /** Code of the problem that was answered (`docs/problems.md`), or `upstream_status`. */
  readonly code: string
  readonly status: number
  readonly method: string
  /** Template of the path; null: one that is in no table. */
  readonly path: string | null
  /** Why the upstream gave no answer (`UpstreamCause`) or was not asked (`breaker`, `limited`); null: neither is so. */
  readonly cause: string | null
  /** Of the last. */
  readonly tenant: string | null
  /** The last that met it, newest first; bounded, so that there may be more. */
  readonly tenants: readonly string[]
  /** Of the last. */
  readonly requestId: string
}

/** An answer of the upstream's own that says that it failed: it passes as it is, and is no problem of ours. */
const UPSTREAM_STATUS = 'upstream_status'
/** The codes are a closed set of some thirty. */
const KEPT_PER_CODE = 10
/** More than are shown, so that it can be said that there are more. */
const MAX_TENANTS = 4

/** By name of the cached route and id of the write; several writes are called `other`. */
const TEMPLATES: ReadonlyMap<string, string> = new Map([
  ...CACHED_ROUTES.map(({ name, template }) => [name, template] as const),
  ...WRITE_ROWS.filter(({ id }) => id !== 'other').map(
    ({ id, template }) => [id, template] as const,
  ),
])

export class RecentProblems implements Pick<Reporter, 'finished'> {
  readonly #clock: Pick<Clock, 'wall'>
  /** The one that was last met is last. */
  readonly #byCode = new Map<string, RecentProblem[]>()

  constructor(clock: Pick<Clock, 'wall'>) {
    this.#clock = clock
  }

  finished(report: Report): void {
    if (report.problem === null && report.status < 500) return
    const problem = problemOf(report, this.#clock.wall())
    const known = this.#byCode.get(problem.code) ?? []
    this.#byCode.set(problem.code, known)
    const at = known.findIndex((each) => areAlike(each, problem))
    const [before] = at === -1 ? [] : known.splice(at, 1)
    known.push(before === undefined ? problem : joinedProblem(before, problem))
    if (known.length > KEPT_PER_CODE) known.shift()
  }

  /** Newest first. */
  list(): RecentProblem[] {
    return [...this.#byCode.values()]
      .flatMap((each) => each.toReversed())
      .sort((a, b) => b.at - a.at)
  }
}

function problemOf(report: Report, at: number): RecentProblem {
  const { problem, status, method, route, tenant, requestId, cause, outcome } = report
  const { detail } = outcome
  const heldBack = detail === 'breaker' || detail === 'limited' ? detail : null
  return {
    at,
    count: 1,
    code: problem ?? UPSTREAM_STATUS,
    status,
    method,
    path: route === null ? null : (TEMPLATES.get(route) ?? null),
    cause: cause ?? heldBack,
    tenant,
    tenants: tenant === null ? [] : [tenant],
    requestId,
  }
}

export function areAlike(a: RecentProblem, b: RecentProblem): boolean {
  return (
    a.code === b.code &&
    a.status === b.status &&
    a.method === b.method &&
    a.path === b.path &&
    a.cause === b.cause
  )
}

/** Of two that are alike. */
export function joinedProblem(a: RecentProblem, b: RecentProblem): RecentProblem {
  const [older, newer] = a.at <= b.at ? [a, b] : [b, a]
  const tenants = [...new Set([...newer.tenants, ...older.tenants])].slice(0, MAX_TENANTS)
  return { ...newer, count: a.count + b.count, tenants }
}

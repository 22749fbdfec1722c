/**
 * The last requests that ended badly, for whoever looks at the dashboard: in bounded space, and of each kind
 * some, so that a client that sends nonsense can't push out what is wrong with us or the upstream.
 */
import type { Report, Reporter } from '../cache/report.ts'
import type { Clock } from '../lib/clock.ts'

export interface RecentProblem {
  /** Wall clock, milliseconds since 1970-01-01 UTC. */
  readonly at: number
  /** Code of the problem that was answered (`docs/problems.md`), or `upstream_status`. */
  readonly code: string
  readonly status: number
  readonly tenant: string | null
  readonly requestId: string
}

/** An answer of the upstream's own that says that it failed: it passes as it is, and is no problem of ours. */
const UPSTREAM_STATUS = 'upstream_status'
/** The codes are a closed set of some thirty. */
const KEPT_PER_CODE = 10

export class RecentProblems implements Pick<Reporter, 'finished'> {
  readonly #clock: Pick<Clock, 'wall'>
  /** Oldest first. */
  readonly #byCode = new Map<string, RecentProblem[]>()

  constructor(clock: Pick<Clock, 'wall'>) {
    this.#clock = clock
  }

  finished({ problem, status, tenant, requestId }: Report): void {
    if (problem === null && status < 500) return
    const code = problem ?? UPSTREAM_STATUS
    const known = this.#byCode.get(code) ?? []
    this.#byCode.set(code, known)
    known.push({ at: this.#clock.wall(), code, status, tenant, requestId })
    if (known.length > KEPT_PER_CODE) known.shift()
  }

  /** Newest first. */
  list(): RecentProblem[] {
    return [...this.#byCode.values()]
      .flatMap((each) => each.toReversed())
      .sort((a, b) => b.at - a.at)
  }
}

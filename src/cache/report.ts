/**
 * What the rest of the house is told of a request and of the cache's own doings. Metrics and the access
 * log implement it; both see the same `Outcome` that made the header, so the three can't disagree.
 */
import type { Outcome } from './outcome.ts'
import type { UpstreamCause } from './ports.ts'

export interface Report {
  readonly outcome: Outcome
  readonly status: number
  readonly method: string
  /** Name of the cached route, id of the write row, or null. Never the path: it may be personal. */
  readonly route: string | null
  readonly tenant: string | null
  readonly requestId: string
  /** Code of the problem that was answered; null: none. */
  readonly problem: string | null
  /** Why the upstream gave no answer; null or left out: it did, or was not asked. */
  readonly cause?: UpstreamCause | null
  readonly durationMs: number
  /** Of the trace that the request belongs to: 32 hex digits; null: no trace is known of. */
  readonly traceId: string | null
  /** Address of the client; null or left out: it is not to be reported, or not known. */
  readonly client?: string | null
}

export type FillResult = 'stored' | 'rejected' | 'failed'

/** Who made entries stale. `change`: an answer that differs from what was granted before. `purge`: an operator. */
export type InvalidationSource = 'write' | 'change' | 'credential' | 'bus' | 'purge'

export interface Reporter {
  finished(report: Report): void
  /** One walk through the memory tier. */
  lookedUp(milliseconds: number): void
  /** One walk through the tier that instances share. */
  walked(milliseconds: number): void
  /** One request to the upstream made for the cache. `traceId`: of the trace that tells of it, if one does. */
  filled(result: FillResult, milliseconds: number, traceId: string | null): void
  invalidated(source: InvalidationSource): void
  /**
   * The upstream has shown other bytes than a copy, and no write was known: so long, in milliseconds, may the last
   * hit on the copy have been behind; 0: nobody was served it since the upstream last showed it.
   */
  outdated(milliseconds: number): void
  /** The upstream has shown the same body as a copy, beside other kept headers: these. Lower case. */
  headersChanged(names: readonly string[]): void
  /** Two views have shown themselves in a tenant that shares plainly. */
  sharingTripped(tenant: string): void
  /** A fault of our own; never a token, a body or an address. */
  faulted(error: unknown, requestId: string): void
}

/** One thing that is wrong with an instance. The vocabulary is closed. */

export type FindingCode =
  /** Reads are kept from the upstream, which does not answer. */
  | 'breaker-open'
  /** Requests ended without a valid answer of the upstream. */
  | 'upstream-failing'
  /** The upstream's own answers say that it failed. */
  | 'upstream-errors'
  /** Requests are refused, since this instance has too much under way. */
  | 'shedding'
  /** Requests of some tenants are refused, since these have too much under way. */
  | 'tenant-limited'
  /** Tenants without a hit, for a reason that somebody can remove. */
  | 'tenant-without-hits'
  | 'not-ready'
  /** The event loop has next to no time left. */
  | 'event-loop-busy'
  /** Of the heap, or of what the process may have. */
  | 'memory-near-limit'
  | 'certificate-expiring'
  | 'redis-down'
  | 'redis-read-only'
  /** Redis, or other instances, have not taken all invalidations. */
  | 'invalidations-pending'
  /** Redis answers, but other instances may not be heard. */
  | 'bus-silent'
  /** Copies past their freshness went out since the upstream failed. */
  | 'stale-on-error'
  | 'often-rejected'
  | 'memory-full'
  | 'sharing-tripped'
  | 'mismatches'

export interface Finding {
  readonly code: FindingCode
  readonly state: 'watch' | 'bad'
  /** In a few words, without a full stop. */
  readonly title: string
  /** What is, and what follows from it. */
  readonly text: string
  /** Heading in `docs/operations.md` that says what to do. */
  readonly section: string
}

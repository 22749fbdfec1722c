/**
 * The records of `docs/sharing.md`, all with absolute times on the monotonic clock (milliseconds),
 * computed once when they are made. Plain values: nothing here decides anything.
 */
import type { FenceStamp } from './fence.ts'

/** End-to-end headers in the order they came, names in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** "These bytes are current." Shared by all who hold a grant that names its digest. */
export interface Representation {
  readonly kind: 'representation'
  readonly digest: string
  readonly status: number
  readonly reason: string
  /** Without the per-exchange fields; see `representation.ts`. */
  readonly headers: HeaderList
  /** The upstream's `Date`, or the time of receipt, replayed as stored; null: of before this was kept. */
  readonly date: string | null
  readonly body: Buffer
  /** Strong entity tag, quotes included. */
  readonly etag: string
  /** The effective `X-API-VERSION`. */
  readonly version: string
  /** When the upstream made it, at the earliest (RFC 9111 section 4.2.3, never by wall clocks). */
  readonly generatedAt: number
  /**
   * When the request was sent to which the upstream last gave these bytes: not before `generatedAt`, and later where
   * the upstream has a cache of its own, or was asked for an answer that may not be stored.
   */
  confirmedAt: number
  readonly freshUntil: number
  /** Past its freshness it may be served until then, where `stale.ts` allows it; not before `freshUntil`. */
  readonly staleUntil: number
  /**
   * When it last came out of the store for somebody; `generatedAt`: never yet. Each hit writes it, and nothing is
   * decided by it: it tells, once other bytes are seen, for how long these may have been wrong.
   */
  servedAt: number
  readonly stamp: FenceStamp
}

/** "This digest was current until somebody was given another." Takes a representation's place. */
export interface Superseded {
  readonly kind: 'superseded'
  /** When the request was sent whose answer showed the change. */
  readonly at: number
}

/** "The upstream gave this credential exactly this digest." */
export interface Grant {
  readonly kind: 'grant'
  /** Proof of the token, made apart from the partition: a fault in our keys must not give it to another. */
  readonly holder: string
  readonly digest: string
  /** The effective `X-API-VERSION` of the answer. */
  readonly version: string
  /** When the request was sent that the upstream answered so. */
  readonly witnessedAt: number
  readonly expiresAt: number
  readonly stamp: FenceStamp
}

/**
 * "What was granted is over": the upstream refused this credential the resource (403, 404), or gave it
 * something that may not be stored. Takes the grant's place, so that an older answer can't revive it.
 */
export interface Withdrawal {
  readonly kind: 'withdrawal'
  readonly witnessedAt: number
}

/** "The upstream accepts this credential in this tenant." */
export interface Admission {
  readonly kind: 'admission'
  /** As a grant's. */
  readonly holder: string
  readonly expiresAt: number
  readonly stamp: FenceStamp
}

/** What anyone in a tenant was last given of a view; stands for a grant when tenants share plainly. */
export interface Current {
  readonly kind: 'current'
  /** Those seen since the last write, oldest first; the last one is current. */
  readonly digests: readonly string[]
  readonly version: string
  readonly witnessedAt: number
  readonly stamp: FenceStamp
}

/** The last known parent of a record; null: it has none. Any instance may move the record: hence the stamp. */
export interface Lineage {
  readonly kind: 'lineage'
  readonly parent: string | null
  readonly stamp: FenceStamp
}

export type StoredRecord =
  | Representation
  | Superseded
  | Grant
  | Withdrawal
  | Admission
  | Current
  | Lineage

/**
 * The records and fences of an explanation: ages, times left, and what became of the fences that a record is
 * stamped with. Pure. Names, digests and values are told as short hashes, enough to compare them by.
 */
import { createHash } from 'node:crypto'
import type { Standing } from './entitlement.ts'
import { type FenceSight, type FenceStamp, isSameValue } from './fence.ts'
import { type Key, partsOf } from './key.ts'

type Sight = (name: Key) => FenceSight

export type FenceKind = 'tenant' | 'subject' | 'family' | 'kin' | 'credential'

export type FenceState =
  /** It has the value that the record is stamped with. */
  | 'holds'
  /** A write is under way. */
  | 'pending'
  /** It has the value, and a soft purge came in between. */
  | 'marked'
  /** A write, a purge or a refused credential came in between. */
  | 'changed'
  /** This instance does not know it: nobody needed it of late, or the bus was not heard. */
  | 'unknown'
  /** Nothing is stamped with it here. */
  | 'known'

export interface ExplainedFence {
  readonly kind: FenceKind
  readonly name: string
  /** As this instance knows it; null: it does not. */
  readonly value: string | null
  readonly state: FenceState
}

export interface ExplainedGrant {
  readonly kind: 'grant' | 'withdrawal'
  readonly ageMs: number
  /** Negative: it has lapsed. Null: it does not lapse. */
  readonly leftMs: number | null
  readonly digest: string | null
  readonly version: string | null
  readonly fences: readonly ExplainedFence[]
}

export interface ExplainedAdmission {
  readonly leftMs: number
  readonly fences: readonly ExplainedFence[]
}

export interface ExplainedRepresentation {
  readonly kind: 'representation' | 'superseded'
  readonly digest: string | null
  readonly ageMs: number
  /** Negative: it is stale. */
  readonly freshForMs: number | null
  readonly staleForMs: number | null
  readonly bytes: number | null
  readonly version: string | null
  readonly fences: readonly ExplainedFence[]
}

export interface ExplainedRecords {
  readonly grant: ExplainedGrant | null
  readonly admission: ExplainedAdmission | null
  readonly representation: ExplainedRepresentation | null
}

/** @param now monotonic milliseconds */
export function recordsOf(standing: Standing, now: number, sight: Sight): ExplainedRecords {
  const { grant, admission, representation } = standing
  return {
    grant: grant === undefined ? null : grantOf(grant, now, sight),
    admission:
      admission === undefined
        ? null
        : { leftMs: whole(admission.expiresAt - now), fences: stampOf(admission.stamp, sight) },
    representation:
      representation === undefined ? null : representationOf(representation, now, sight),
  }
}

function grantOf(grant: NonNullable<Standing['grant']>, now: number, sight: Sight): ExplainedGrant {
  const { kind, witnessedAt } = grant
  const ageMs = whole(now - witnessedAt)
  if (grant.kind === 'withdrawal') {
    return { kind, ageMs, leftMs: null, digest: null, version: null, fences: [] }
  }
  const { expiresAt, digest, version, stamp } = grant
  const leftMs = Number.isFinite(expiresAt) ? whole(expiresAt - now) : null
  const fences = stampOf(stamp, sight)
  return { kind, ageMs, leftMs, digest: digest.slice(0, SHORT), version, fences }
}

function representationOf(
  shown: NonNullable<Standing['representation']>,
  now: number,
  sight: Sight,
): ExplainedRepresentation {
  if (shown.kind === 'superseded') {
    const nothing = { digest: null, freshForMs: null, staleForMs: null, bytes: null, version: null }
    return { kind: 'superseded', ageMs: whole(now - shown.at), ...nothing, fences: [] }
  }
  const { digest, generatedAt, freshUntil, staleUntil, body, version, stamp } = shown
  return {
    kind: 'representation',
    digest: digest.slice(0, SHORT),
    ageMs: whole(now - generatedAt),
    freshForMs: whole(freshUntil - now),
    staleForMs: whole(staleUntil - now),
    bytes: body.length,
    version,
    fences: stampOf(stamp, sight),
  }
}

function stampOf(stamp: FenceStamp, sight: Sight): readonly ExplainedFence[] {
  return stamp.map(([name, value]) => fenceOf(sight(name), value))
}

const FENCE_KINDS: Readonly<Record<string, FenceKind>> = {
  t: 'tenant',
  s: 'subject',
  f: 'family',
  n: 'kin',
  k: 'credential',
}

/** @param stamped the value that a record is stamped with; undefined: it is looked at for itself */
export function fenceOf(
  { name, value, isPending }: FenceSight,
  stamped: string | undefined,
): ExplainedFence {
  const kind = FENCE_KINDS[partsOf(name)[0] ?? ''] ?? 'subject'
  const state = stateOf(value, isPending, stamped)
  return { kind, name: short(name), value: value === null ? null : short(value), state }
}

function stateOf(
  value: string | null,
  isPending: boolean,
  stamped: string | undefined,
): FenceState {
  if (isPending) return 'pending'
  if (value === null) return 'unknown'
  if (stamped === undefined) return 'known'
  if (value === stamped) return 'holds'
  return isSameValue(value, stamped) ? 'marked' : 'changed'
}

/** Characters of a digest or a hash that are told. */
const SHORT = 12

export function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, SHORT)
}

/** Whole milliseconds, rounded down: nothing looks as if it were left for longer than it is. */
export function whole(milliseconds: number): number {
  return Math.floor(milliseconds)
}

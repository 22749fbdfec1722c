/**
 * Between records, whose times are on this process's clock, and frames, whose times are relative to the moment
 * of sealing: what Redis says is left of a frame's life tells how long ago that was.
 *
 * Redis may have been told otherwise: whoever can write to it can put back what was there, with any life. So a frame
 * is believed for its own lifetime after the wall-clock time at which it was sealed, give or take what clocks of
 * instances may differ by. Within that, a frame that was put back can't be told from one that was there all along.
 */
import type { AdmissionFrame, Frame, GrantFrame, RepresentationFrame } from '../cache/frame.ts'
import type { TierFound } from '../cache/ports.ts'
import type { Admission, Grant, Representation } from '../cache/records.ts'
import type { Clock } from '../lib/clock.ts'

export type FoundGrant = NonNullable<TierFound['grant']>
export type FoundAdmission = NonNullable<TierFound['admission']>

/** By how much wall clocks of instances may differ. Milliseconds. */
export const CLOCK_ERROR_MS = 2 * 3_600_000

/** Of one moment, on both clocks. Milliseconds. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

export function momentOf(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.wall() }
}

/** A look at Redis. Milliseconds. */
export interface Sighting {
  /** Before Redis looked, on the monotonic clock. */
  readonly askedAt: number
  /** Now, on the wall clock. */
  readonly wall: number
  /** How much of the frame's life Redis says is left; negative: it knows no end. */
  readonly leftMs: number
}

/**
 * What is left of a frame's life; null: it can't have been sealed at such a time and be here now, or there is a clock
 * that is wrong by more than `CLOCK_ERROR_MS`. A frame whose end Redis does not know has none left.
 */
export function leftOf(
  { sealedAt, keptMs }: Pick<Frame, 'sealedAt' | 'keptMs'>,
  { wall, leftMs }: Sighting,
): number | null {
  const ageMs = wall - sealedAt
  const boundMs = keptMs + CLOCK_ERROR_MS - ageMs
  // Written so that what is no number does not pass.
  // guard: sealing-time
  if (!(ageMs >= -CLOCK_ERROR_MS && boundMs > 0)) return null
  return Math.min(leftMs > 0 ? leftMs : 0, keptMs, boundMs)
}

export function grantFrame(grant: Grant, { monotonic: now, wall }: Moment): GrantFrame {
  const { digest, version, stamp } = grant
  const witnessedAgeMs = Math.max(0, Math.round(now - grant.witnessedAt))
  const keptMs = Math.floor(grant.expiresAt - now)
  return { kind: 'grant', sealedAt: wall, digest, version, witnessedAgeMs, keptMs, stamp }
}

export function admissionFrame(
  { stamp, expiresAt }: Admission,
  { monotonic: now, wall }: Moment,
): AdmissionFrame {
  return { kind: 'admission', sealedAt: wall, keptMs: Math.floor(expiresAt - now), stamp }
}

export function representationFrame(
  shown: Representation,
  { monotonic: now, wall }: Moment,
): RepresentationFrame {
  const { digest, status, reason, headers, date, body, etag, version, stamp } = shown
  const ageMs = Math.max(0, Math.round(now - shown.generatedAt))
  const freshMs = Math.floor(shown.freshUntil - now)
  const kept = { digest, status, reason, headers, date, body, etag, version, stamp }
  const keptMs = Math.floor(shown.staleUntil - now)
  return { kind: 'representation', sealedAt: wall, ...kept, ageMs, freshMs, keptMs }
}

/**
 * Times of this process, from what Redis says is left. `askedAt` is before Redis looked: what is computed
 * from it expires early and looks old rather than the other way round. Null as for `leftOf`.
 */
export function grantOf(frame: GrantFrame, seen: Sighting): FoundGrant | null {
  const left = leftOf(frame, seen)
  if (left === null) return null
  const { digest, version, stamp, keptMs } = frame
  const { askedAt } = seen
  const witnessedAt = askedAt - frame.witnessedAgeMs - (keptMs - left)
  return { kind: 'grant', digest, version, witnessedAt, expiresAt: askedAt + left, stamp }
}

export function admissionOf(frame: AdmissionFrame, seen: Sighting): FoundAdmission | null {
  const left = leftOf(frame, seen)
  if (left === null) return null
  return { kind: 'admission', expiresAt: seen.askedAt + left, stamp: frame.stamp }
}

export function representationOf(
  frame: RepresentationFrame,
  seen: Sighting,
): Representation | null {
  const left = leftOf(frame, seen)
  if (left === null) return null
  const { digest, status, reason, headers, date, body, etag, version, stamp, keptMs } = frame
  const passed = keptMs - left
  const { askedAt } = seen
  const kept = { digest, status, reason, headers, date, body, etag, version, stamp }
  const generatedAt = askedAt - frame.ageMs - passed
  return {
    kind: 'representation',
    ...kept,
    generatedAt,
    servedAt: generatedAt,
    confirmedAt: generatedAt,
    freshUntil: askedAt + frame.freshMs - passed,
    staleUntil: askedAt + left,
  }
}

/**
 * Between records, whose times are on this process's clock, and frames, whose times are relative to the moment
 * of sealing: what Redis says is left of a frame's life tells how long ago that was.
 */
import type { AdmissionFrame, GrantFrame, RepresentationFrame } from '../cache/frame.ts'
import type { TierFound } from '../cache/ports.ts'
import type { Admission, Grant, Representation } from '../cache/records.ts'

export type FoundGrant = NonNullable<TierFound['grant']>

export function grantFrame(grant: Grant, now: number): GrantFrame {
  const { digest, version, stamp } = grant
  const witnessedAgeMs = Math.max(0, Math.round(now - grant.witnessedAt))
  return {
    kind: 'grant',
    digest,
    version,
    witnessedAgeMs,
    keptMs: Math.floor(grant.expiresAt - now),
    stamp,
  }
}

export function admissionFrame(admission: Admission, now: number): AdmissionFrame {
  const { stamp, expiresAt } = admission
  return { kind: 'admission', keptMs: Math.floor(expiresAt - now), stamp }
}

export function representationFrame(shown: Representation, now: number): RepresentationFrame {
  const { digest, status, reason, headers, date, body, etag, version, stamp } = shown
  const ageMs = Math.max(0, Math.round(now - shown.generatedAt))
  const freshMs = Math.floor(shown.freshUntil - now)
  const kept = { digest, status, reason, headers, date, body, etag, version, stamp }
  const keptMs = Math.floor(shown.staleUntil - now)
  return { kind: 'representation', ...kept, ageMs, freshMs, keptMs }
}

/**
 * Times of this process, from what Redis says is left. `askedAt` is before Redis looked: what is computed
 * from it expires early and looks old rather than the other way round.
 */
export function grantOf(frame: GrantFrame, leftMs: number, askedAt: number): FoundGrant {
  const { digest, version, stamp, keptMs } = frame
  const left = Math.min(Math.max(0, leftMs), keptMs)
  const witnessedAt = askedAt - frame.witnessedAgeMs - (keptMs - left)
  return { kind: 'grant', digest, version, witnessedAt, expiresAt: askedAt + left, stamp }
}

export function admissionOf(
  { keptMs, stamp }: AdmissionFrame,
  leftMs: number,
  askedAt: number,
): NonNullable<TierFound['admission']> {
  return { kind: 'admission', expiresAt: askedAt + Math.min(Math.max(0, leftMs), keptMs), stamp }
}

export function representationOf(
  frame: RepresentationFrame,
  leftMs: number,
  askedAt: number,
): Representation {
  const { digest, status, reason, headers, date, body, etag, version, stamp, keptMs } = frame
  const passed = keptMs - Math.min(Math.max(0, leftMs), keptMs)
  const kept = { digest, status, reason, headers, date, body, etag, version, stamp }
  const generatedAt = askedAt - frame.ageMs - passed
  return {
    kind: 'representation',
    ...kept,
    generatedAt,
    servedAt: generatedAt,
    freshUntil: askedAt + frame.freshMs - passed,
    staleUntil: askedAt + keptMs - passed,
  }
}

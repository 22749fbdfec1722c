import { randomBytes } from 'node:crypto'

/** A fence value that never comes back (96 random bits). */
export function newValue(): string {
  return randomBytes(12).toString('base64url')
}

/**
 * How long a fence lives in Redis that was made for a credential which may be nobody's: above what a request can
 * take. Whatever is stored under a fence makes it live longer. Milliseconds.
 */
export const PROVISIONAL_FENCE_MS = 60_000

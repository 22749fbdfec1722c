import { randomBytes } from 'node:crypto'

/** A fence value that never comes back (96 random bits). */
export function newValue(): string {
  return randomBytes(12).toString('base64url')
}

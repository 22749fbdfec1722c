/**
 * The forms in which one representation leaves: as it is, and compressed. Each is made once, on first use,
 * and is gone with the representation (`stored-answer.ts` keeps them).
 */
import type { Representation } from '../cache/records.ts'
import { AVAILABLE, type Coding, compress } from './encoding.ts'

/** Below it, headers are most of the answer, and nothing is saved. */
const MIN_BYTES = 1_024
/**
 * Above it, compressing would keep all others waiting for longer than the client gains; such bodies leave as
 * they are. About 2 ms.
 */
const MAX_BYTES = 131_072

/** The coding that this representation is sent in to a client that likes `wanted` best. */
export function codingFor({ body }: Representation, wanted: Coding | null): Coding | null {
  return body.length < MIN_BYTES || body.length > MAX_BYTES ? null : wanted
}

/** Made anew: whoever asks keeps it as long as the representation. */
export function bodyIn({ body }: Representation, coding: Coding | null): Buffer {
  return coding === null ? body : compress(body, coding)
}

/**
 * What the forms of a body may take beside it, at most; the memory tier counts it. Compressed JSON is less
 * than half of it in any coding.
 */
export function formBytes(length: number): number {
  return length < MIN_BYTES || length > MAX_BYTES ? 0 : Math.ceil((length * AVAILABLE.length) / 2)
}

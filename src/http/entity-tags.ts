/**
 * Entity tags as clients are given them: the tag of a representation, with a suffix that says in which form it was
 * sent. Reversible for whatever tags the API has: one of its own that ends like a suffix gets a suffix too where it is
 * sent as it is.
 */
import type { Coding } from './encoding.ts'

const SUFFIX: Readonly<Record<Coding, string>> = { br: '-br', gzip: '-gz', zstd: '-zs' }
const IDENTITY_SUFFIX = '-id'
const SUFFIXED = /-(?:br|gz|zs|id)"$/
const SUFFIX_LENGTH = 3

/** @param etag of the representation, quotes included */
export function formTag(etag: string, coding: Coding | null): string {
  if (coding !== null) return withSuffix(etag, SUFFIX[coding])
  return SUFFIXED.test(etag) ? withSuffix(etag, IDENTITY_SUFFIX) : etag
}

/** The tag of the representation whose form has this one. */
export function representationTag(tag: string): string {
  return SUFFIXED.test(tag) ? `${tag.slice(0, -1 - SUFFIX_LENGTH)}"` : tag
}

function withSuffix(etag: string, suffix: string): string {
  return `${etag.slice(0, -1)}${suffix}"`
}

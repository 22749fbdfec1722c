/** `If-None-Match` (RFC 9110 section 13.1.2). */
import { opaqueTag } from '../cache/entity-tag.ts'

/**
 * A longer field matches nothing, and the client gets the content: a client that holds this many tags of one resource
 * is none that we know, and each further list member costs as much as a short field does.
 */
const MAX_FIELD_LENGTH = 2_048

/**
 * Weak comparison against a list or `*`.
 *
 * @param field all lines of the field, joined with commas
 * @param etag the tag of the representation that the caller may read, quotes included
 */
export function noneMatchFails(field: string, etag: string): boolean {
  // What nearly all clients send. Cutting up the field took a third of a 304.
  if (field === etag) return true
  // guard: bounded-tags
  if (field.length > MAX_FIELD_LENGTH) return false
  const own = opaqueTag(etag) ?? etag
  // Nearly all others: what can't match is not cut up.
  if (!field.includes(own) && !field.includes('*')) return false
  // Commas are allowed within a tag: cut only where a tag or `*` can begin.
  return field
    .split(/,[ \t]*(?=$|,|W\/"|"|\*)/)
    .some((candidate) => candidate.trim() === '*' || opaqueTag(candidate.trim()) === own)
}

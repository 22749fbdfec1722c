/** The grammar of an entity tag (RFC 9110 section 8.8.3). */

const ENTITY_TAG = /^(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")$/

/** What weak comparison compares, quotes included; null: it is no entity tag. */
export function opaqueTag(text: string): string | null {
  return ENTITY_TAG.exec(text)?.[1] ?? null
}

export function isEntityTag(text: string): boolean {
  return opaqueTag(text) !== null
}

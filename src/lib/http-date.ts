/** HTTP dates (RFC 9110 section 5.6.7), in any of the forms that `Date.parse` reads. */

/** The longest of the three forms has 33 characters; what is longer is no date. */
const MAX_LENGTH = 64

/** Milliseconds since 1970; NaN: absent, or no date. */
export function parseHttpDate(text: string | null | undefined): number {
  return text == null || text.length > MAX_LENGTH ? Number.NaN : Date.parse(text)
}

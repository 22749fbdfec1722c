/**
 * `Cache-Status` of caches behind this one (RFC 9211 section 2): a list of tokens or strings with parameters, as
 * RFC 8941 section 4.2 reads one. What it would not read is not appended to.
 */

/** A list of many caches; a longer field is not read. */
const MAX_FIELD_LENGTH = 2_048
const TOKEN = "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
const STRING = '"(?:[ !#-[\\]-~]|\\\\["\\\\])*"'
const NUMBER = '-?(?:[0-9]{1,12}\\.[0-9]{1,3}|[0-9]{1,15})'
const BARE = `(?:${TOKEN}|${STRING}|${NUMBER}|:[A-Za-z0-9+/=]*:|\\?[01])`
const PARAMETERS = `(?:; *[a-z*][a-z0-9_.*-]*(?:=${BARE})?)*`
const MEMBER = new RegExp(`(?:${TOKEN}|${STRING})${PARAMETERS}`, 'y')
const COMMA = /[ \t]*,[ \t]*/y

/** @param field all lines, joined with commas; without a member it is none */
export function isStatusList(field: string): boolean {
  if (field.length > MAX_FIELD_LENGTH) return false
  let at = 0
  for (;;) {
    MEMBER.lastIndex = at
    if (!MEMBER.test(field)) return false
    at = MEMBER.lastIndex
    if (at === field.length) return true
    COMMA.lastIndex = at
    if (!COMMA.test(field)) return false
    at = COMMA.lastIndex
  }
}

/**
 * What `JSON.parse` does not tell of a JSON text: the digits of a number that it rounds, and names that are there more
 * than once, of which it takes the last. One pass over the text, without
 * recursion: neither depth nor names nor length make it fail or take longer than their characters.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = /[ \t\n\r]*:[ \t\n\r]*/y
const NUMBER = /-?[0-9][0-9.eE+-]*/y

interface Found {
  /** How often the name is there, at the top level. */
  readonly times: number
  /** The number behind the last of them, as it is written; null: it is no number, or there is none. */
  readonly digits: string | null
}

/**
 * @param json an object, and sound: `JSON.parse` has accepted it
 * @param name a member at the top level
 * @returns the number as it is written; null: it is no number, or the name is there more than once, and who else reads
 *   the text may take another one
 */
export function digitsOf(json: string, name: string): string | null {
  const { times, digits } = find(json, name)
  return times === 1 ? digits : null
}

/**
 * Whether a member is there more than once, so that others may take another one of them than `JSON.parse` does.
 *
 * @param json as above
 */
export function isAmbiguous(json: string, name: string): boolean {
  const plain = JSON.stringify(name)
  const isOnce = json.indexOf(plain) === json.lastIndexOf(plain) && !json.includes('\\u')
  return !isOnce && find(json, name).times > 1
}

function find(json: string, name: string): Found {
  let depth = 0
  let digits: string | null = null
  let times = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(json, at)
      const valueAt = depth === 1 && isSameText(json, at, end, name) ? endOf(COLON, json, end) : 0
      // Without a colon behind it, it is no name.
      if (valueAt > 0) {
        times++
        digits = json.slice(valueAt, endOf(NUMBER, json, valueAt)) || null
      }
      at = end - 1
    } else depth += depthOf(code)
  }
  return { times, digits }
}

/** Where the string ends whose quotation mark is at `from`, its own included. */
function endOfString(json: string, from: number): number {
  let at = from + 1
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1
    // No sound text gets here.
    if (at >= json.length) return json.length
  }
  return at + 1
}

/** Whether the string from `from` to `end`, escaped or not, says `name`. */
function isSameText(json: string, from: number, end: number, name: string): boolean {
  // An escaped character takes six.
  if (end - from > 6 * name.length + 2) return false
  const text = json.slice(from, end)
  return text === `"${name}"` || (text.includes('\\') && JSON.parse(text) === name)
}

/** Where that ends which the sticky pattern finds at `at`; 0: nothing. */
function endOf(pattern: RegExp, json: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(json) ? pattern.lastIndex : 0
}

function depthOf(code: number): -1 | 0 | 1 {
  if (code === 0x7b || code === 0x5b) return 1
  return code === 0x7d || code === 0x5d ? -1 : 0
}

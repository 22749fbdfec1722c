/**
 * Reads one integer member of a JSON object as text: ids never pass through a JavaScript number that
 * could round them. What can't be read is a value, `invalid`: content is never a reason to throw.
 */
import { digitsOf, isAmbiguous } from './json-digits.ts'

/** The member's digits; `null` for JSON null or no such member; `invalid` for anything else. */
export type IntegerMember = string | null | 'invalid'

/** The value of a JSON text that is an object; null for any other text, JSON or not. */
export function parseObject(json: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/**
 * @param json the text that `object` was parsed from
 * @param name a member at the top level
 */
export function integerMember(
  json: string,
  object: Readonly<Record<string, unknown>>,
  name: string,
): IntegerMember {
  const value = Object.hasOwn(object, name) ? object[name] : null
  // Before its value: it may be one of two.
  // guard: told-once
  if (isAmbiguous(json, name)) return 'invalid'
  if (value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return 'invalid'
  if (Number.isSafeInteger(value)) return String(value)
  // Above 2^53 the number has been rounded: read the digits themselves.
  const digits = digitsOf(json, name)
  return digits !== null && /^[0-9]+$/.test(digits) ? digits : 'invalid'
}

/**
 * @param text the content of a message; null: there is none, or it is not known
 * @returns undefined: no content, or an object without such a member. `invalid` also for what is no JSON object to us:
 *   others may read it
 */
export function memberOfContent(text: string | null, name: string): IntegerMember | undefined {
  if (text === null || text === '') return undefined
  const object = parseObject(text)
  // guard: unreadable-content
  if (object === null) return 'invalid'
  return Object.hasOwn(object, name) ? integerMember(text, object, name) : undefined
}

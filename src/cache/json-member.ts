/**
 * Reads one integer member of a JSON object as text: ids never pass through a JavaScript number that
 * could round them.
 */
import { digitsOf } from './json-digits.ts'

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
  if (value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return 'invalid'
  if (Number.isSafeInteger(value)) return String(value)
  // Above 2^53 the number has been rounded: read the digits themselves.
  const digits = digitsOf(json, name)
  return digits !== null && /^[0-9]+$/.test(digits) ? digits : 'invalid'
}

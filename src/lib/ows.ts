/**
 * Optional white space (RFC 9110 section 5.6.3) around a field value or a list member. In one pass: the regular
 * expression for the same, `/^[ \t]+|[ \t]+$/g`, takes quadratic time on white space within a value.
 */

/** Without spaces and tabs at either end. Other white space is part of the value (RFC 9110 section 5.5). */
export function trimOws(value: string): string {
  // guard: linear-time
  return trimmedSlice(value, 0, value.length)
}

/** `trimOws(text.slice(from, to))`, cut out once. */
export function trimmedSlice(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Header fields as lines. */

/** @param headers names and values in turn */
export function linesOf(headers: readonly string[]): string {
  let text = ''
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return text
}

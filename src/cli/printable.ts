/** Text of others, made fit for a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g
const MAX_LENGTH = 300

/**
 * In one line, of bounded length, and without what a terminal takes for an order (escape sequences) or what
 * changes the direction of writing: an answer may come from anything that listens at the URL.
 */
export function printable(text: string): string {
  // guard: terminal-orders
  const plain = text.replace(CONTROLS, ' ').trim()
  return plain.length > MAX_LENGTH ? `${plain.slice(0, MAX_LENGTH - 1)}…` : plain
}

/** Text of others, made fit for a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g
const MAX_LENGTH = 300
/** Sentences that say what to do: longer than any of `cache/reasons.ts`. */
const MAX_ADVICE_LENGTH = 1_000

/**
 * In one line, of bounded length, and without what a terminal takes for an order (escape sequences) or what
 * changes the direction of writing: an answer may come from anything that listens at the URL. What is too long ends
 * after a word.
 */
export function printable(text: string, maxLength = MAX_LENGTH): string {
  // guard: terminal-orders
  const plain = text.replace(CONTROLS, ' ').trim()
  if (plain.length <= maxLength) return plain
  const cut = plain.slice(0, maxLength - 1)
  const end = plain[cut.length] === ' ' ? cut.length : cut.lastIndexOf(' ')
  return `${(end === -1 ? cut : cut.slice(0, end)).trimEnd()}…`
}

export function printableAdvice(text: string): string {
  return printable(text, MAX_ADVICE_LENGTH)
}

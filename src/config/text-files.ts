/** Files that an operator has written, as text: UTF-8, and nothing that only looks like it. */
import { readFileSync } from 'node:fs'

/** `problem`: what is wrong, as the end of a sentence that begins with the file; without its name or content. */
export type TextOfFile = { readonly text: string } | { readonly problem: string }

const MARK = '\uFEFF'
/** What a decoder puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD'

export function readTextFile(file: string): TextOfFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { problem: `can't be read (${(error as NodeJS.ErrnoException).code})` }
  }
  const problem = problemOfText(text)
  return problem === null ? { text } : { problem: `${problem}: save it as plain UTF-8` }
}

/** What text has that no keyboard gives; null: nothing. As the end of a sentence. */
export function problemOfText(text: string): string | null {
  if (text.startsWith(MARK)) return 'begins with a byte order mark'
  // All bytes that are no text become the same character: what is left of a secret could be guessed.
  // guard: secret-is-text
  if (text.includes(REPLACEMENT)) return 'is not UTF-8 text'
  return text.includes('\0') ? 'has NUL bytes' : null
}

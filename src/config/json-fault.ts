/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` says whether it does; its message quotes the text, which may hold
 * a secret, and not every one of its messages says where.
 */

/** Both count from 1; a column is a UTF-16 code unit. */
export interface JsonFault {
  readonly line: number
  readonly column: number
  /** What JSON has in that place. */
  readonly expected: string
}

const BLANK = /[ \t\r\n]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none of these in a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y
/** As deep as a configuration would never be; beyond it the place of a fault is not looked for. */
const MAX_DEPTH = 100

class Fault extends Error {
  readonly at: number
  readonly expected: string

  constructor(at: number, expected: string) {
    super(expected)
    this.at = at
    this.expected = expected
  }
}

/** Null: the text is JSON. */
export function jsonFault(text: string): JsonFault | null {
  try {
    new Reader(text).document()
    return null
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    const before = text.slice(0, fault.at).split('\n')
    const column = (before.at(-1) ?? '').length + 1
    return { line: before.length, column, expected: fault.expected }
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): void {
    this.#value(0)
    if (this.#next() !== '') this.#fail('nothing more')
  }

  #value(depth: number): void {
    const first = this.#next()
    if (depth > MAX_DEPTH) this.#fail('less nesting')
    if (first === '{') this.#members('}', () => this.#member(depth))
    else if (first === '[') this.#members(']', () => this.#value(depth + 1))
    else if (first === '"') this.#string('a string that ends, without control characters')
    else if (!this.#take(SCALAR)) this.#fail('a value')
  }

  /** Between brackets, of which the first is next. */
  #members(end: '}' | ']', member: () => void): void {
    this.#at++
    if (this.#next() === end) {
      this.#at++
      return
    }
    for (;;) {
      member()
      const after = this.#next()
      if (after !== ',' && after !== end) this.#fail(`a comma or ${end}`)
      this.#at++
      if (after === end) return
      if (this.#next() === end) this.#fail('a member after the comma')
    }
  }

  #member(depth: number): void {
    if (this.#next() !== '"') this.#fail('a name in double quotes')
    this.#string('a name that ends')
    if (this.#next() !== ':') this.#fail('a colon')
    this.#at++
    this.#value(depth + 1)
  }

  #string(expected: string): void {
    if (!this.#take(STRING)) this.#fail(expected)
  }

  /** The character after what is blank; empty: there is none. */
  #next(): string {
    this.#take(BLANK)
    return this.#text[this.#at] ?? ''
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  #fail(expected: string): never {
    throw new Fault(this.#at, expected)
  }
}

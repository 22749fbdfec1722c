/**
 * Answers of one route mostly have the same headers. Kept once for all of them, they are a third of what a small
 * record takes less.
 */
import type { HeaderList } from './records.ts'

/** Lists that are remembered; when there are more, all are forgotten, and what is stored keeps its own. */
const MAX_LISTS = 256
/** Longer ones are not remembered: they are hardly twice the same. */
const MAX_LENGTH = 2_048

export class HeaderLists {
  readonly #known = new Map<string, HeaderList>()

  /** A list with the same names and values in the same order: the first one that came. */
  shared(headers: HeaderList): HeaderList {
    const text = textOf(headers)
    if (text.length > MAX_LENGTH) return headers
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= MAX_LISTS) this.#known.clear()
    this.#known.set(text, headers)
    return headers
  }
}

/** No name or value holds a line feed (`upstream/headers.ts`); a name holds no colon either. */
function textOf(headers: HeaderList): string {
  let text = ''
  for (const [name, value] of headers) text += `${name}:${value}\n`
  return text
}

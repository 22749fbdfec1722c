/**
 * Headers in which an answer differed from the copy before it, where the body was the same. A header that changes with
 * every answer takes all use out of sharing; operators are told its name. Bounded: the oldest is forgotten.
 */
import type { Key } from './key.ts'
import type { HeaderList, Representation } from './records.ts'

const MAX_REMEMBERED = 1_000

export interface HeaderChange {
  /** Lower case, in alphabetical order. */
  readonly names: readonly string[]
  /** When the request left that was answered so. Monotonic milliseconds. */
  readonly at: number
}

export class HeaderChanges {
  readonly #changes = new Map<Key, HeaderChange>()

  noted(view: Key, change: HeaderChange): void {
    this.#changes.delete(view)
    this.#changes.set(view, change)
    const [oldest] = this.#changes.keys()
    if (this.#changes.size > MAX_REMEMBERED && oldest !== undefined) this.#changes.delete(oldest)
  }

  of(view: Key): HeaderChange | null {
    return this.#changes.get(view) ?? null
  }
}

/** The names of the kept headers that differ; null: the body or the status does. */
export function changedHeaders(
  before: Pick<Representation, 'status' | 'headers' | 'body'>,
  after: Pick<Representation, 'status' | 'headers' | 'body'>,
): readonly string[] | null {
  if (before.status !== after.status || !before.body.equals(after.body)) return null
  const old = linesByName(before.headers)
  const fresh = linesByName(after.headers)
  const names = new Set([...old.keys(), ...fresh.keys()])
  return [...names].filter((name) => old.get(name) !== fresh.get(name)).sort()
}

/** No value holds a line feed (`upstream/headers.ts`). */
function linesByName(headers: HeaderList): Map<string, string> {
  const lines = new Map<string, string>()
  for (const [name, value] of headers) lines.set(name, `${lines.get(name) ?? ''}${value}\n`)
  return lines
}

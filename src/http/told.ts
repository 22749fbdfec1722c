/** What differs between the answers that are made of one representation: `Age`, `Cache-Status`, and who may read it. */
import type { Outcome } from '../cache/outcome.ts'
import type { HeaderList } from '../cache/records.ts'
import { cacheStatus, statusFields } from './cache-status.ts'
import type { Readers } from './cors-fields.ts'
import { linesOf } from './lines.ts'

export interface ToldLines {
  /** Names and values in turn. */
  readonly list: readonly string[]
  /** As they go on the wire, with the end of the line before them. */
  readonly text: string
}

interface Told extends Pick<Outcome, 'age' | 'ttl' | 'detail'> {
  readonly readers: Readers
  readonly lines: ToldLines
}

/** `Cache-Control` by what is told. */
export type Control = (told: Outcome) => string

/**
 * Of one representation. Ages and lifetimes are told in whole seconds: all who read the same within one are told
 * the same, so what was told last is kept.
 */
export class Telling {
  readonly #control: Control | null
  #last: Told | null = null

  /** @param control null: it is told elsewhere */
  constructor(control: Control | null) {
    this.#control = control
  }

  /** @param received of the API, to this request; null: it was not asked */
  linesFor(told: Outcome, readers: Readers, received: HeaderList | null): ToldLines {
    if (told.kind !== 'hit') return this.#make(told, readers, received)
    const { age, ttl, detail } = told
    const last = this.#last
    if (
      last?.ttl === ttl &&
      last.age === age &&
      last.detail === detail &&
      last.readers === readers
    ) {
      return last.lines
    }
    const lines = this.#make(told, readers, null)
    this.#last = { age, ttl, detail, readers, lines }
    return lines
  }

  #make(told: Outcome, readers: Readers, received: HeaderList | null): ToldLines {
    const list = this.#control === null ? [] : ['Cache-Control', this.#control(told)]
    list.push(...readers.list)
    if (told.age !== null) list.push('Age', String(told.age))
    list.push(...statusFields(received ?? [], cacheStatus(told)))
    return { list, text: `\r\n${linesOf(list)}` }
  }
}

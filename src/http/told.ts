/** What is told of a hit in the head of its answer: `Age` and `Cache-Status` (wire.md). */
import type { Outcome } from '../cache/outcome.ts'
import { cacheStatus } from './cache-status.ts'

export interface ToldLines {
  /** Names and values in turn. */
  readonly list: readonly string[]
  /** As they go on the wire, with the end of the line before them. */
  readonly text: string
}

/** @param headers names and values in turn */
export function linesOf(headers: readonly string[]): string {
  let text = ''
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return text
}

interface Told extends Pick<Outcome, 'age' | 'ttl' | 'detail'> {
  readonly lines: ToldLines
}

/**
 * Of one representation. Ages and lifetimes are told in whole seconds: all who read the same within one are told
 * the same, so what was told last is kept.
 */
export class Telling {
  #last: Told | null = null

  linesFor(told: Outcome): ToldLines {
    if (told.kind !== 'hit') return toldLines(told)
    const last = this.#last
    if (last?.ttl === told.ttl && last.age === told.age && last.detail === told.detail) {
      return last.lines
    }
    const { age, ttl, detail } = told
    const lines = toldLines(told)
    this.#last = { age, ttl, detail, lines }
    return lines
  }
}

function toldLines(told: Outcome): ToldLines {
  const list: string[] = []
  if (told.age !== null) list.push('Age', String(told.age))
  const status = cacheStatus(told)
  if (status !== null) list.push('Cache-Status', status)
  return { list, text: `\r\n${linesOf(list)}` }
}

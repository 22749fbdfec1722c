/** Which known names one that is not known may stand for. Pure. */
import { configKeys } from './keys.ts'

const MAX_NAMED = 3
/** Longer ones are no typing error. */
const MAX_LENGTH = 100

/**
 * Those of the known names that differ by a few letters; where there are none, those that have all its words and the
 * fewest others (`cache.ttl`: `cache.ttlMs`).
 *
 * @returns three at most, the nearest first
 */
export function nearTo(name: string, known: readonly string[]): string[] {
  if (name.length > MAX_LENGTH) return []
  const typed = name.toLowerCase()
  const most = typed.length <= 5 ? 2 : Math.max(1, Math.floor(typed.length * 0.15))
  const byLetters = ranked(known, (each) => {
    const edits = distance(typed, each.toLowerCase())
    return edits <= most ? edits : null
  })
  return byLetters.length > 0 ? byLetters : byWords(name, known)
}

/** Variables of the configuration that one which no key answers to may stand for. */
export function variablesNear(name: string): string[] {
  return nearTo(name, ['LAYBY_CONFIG', ...configKeys().map(({ variable }) => variable)])
}

/** As the end of a sentence; empty: no name is near. */
export function suggestion(names: readonly string[]): string {
  return names.length === 0 ? '' : `: is ${names.join(' or ')} meant?`
}

function byWords(name: string, known: readonly string[]): string[] {
  const words = wordsOf(name)
  if (words.length === 0) return []
  return ranked(known, (each) => {
    const own = new Set(wordsOf(each))
    return words.every((word) => own.has(word)) ? own.size - words.length : null
  })
}

/** Those with the lowest rank; null: it has none. */
function ranked(known: readonly string[], rankOf: (name: string) => number | null): string[] {
  const ranks = known.flatMap((name) => {
    const rank = rankOf(name)
    return rank === null ? [] : [{ name, rank }]
  })
  const lowest = Math.min(...ranks.map(({ rank }) => rank))
  return ranks
    .filter(({ rank }) => rank === lowest)
    .flatMap(({ name }) => name)
    .slice(0, MAX_NAMED)
}

/** `LAYBY_CACHE_TTL_MS` and `cache.ttlMs` are of the same words. */
function wordsOf(name: string): string[] {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return [...new Set(words.filter((word) => word !== '' && word !== 'layby'))]
}

/** Letters that are added, left out, changed, or swapped with the next: optimal string alignment. */
function distance(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1])
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(changed, swapped, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    ;[before, row] = [row, next]
  }
  return row[b.length] as number
}

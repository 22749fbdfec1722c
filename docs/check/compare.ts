/**
 * Compares what a page claims with what came. In what is claimed `…` stands for anything within a line, and a line
 * of nothing else for any number of lines. White space counts as one space; with `numbers` each number may be
 * another. JSON is compared member by member: more members may come than are claimed, in the same order or not. Pure.
 */
import type { Output } from './page.ts'

export interface Difference {
  /** Of the page, from 1. */
  readonly line: number
  readonly claimed: string
  readonly came: string
}

/** @returns null where all that is claimed came */
export function differenceOf(output: Output, came: string): Difference | null {
  return output.language === 'json' ? jsonDifference(output, came) : textDifference(output, came)
}

const ANYTHING = '…'

function textDifference({ line, text, numbersVary }: Output, came: string): Difference | null {
  const claimed = text.trimEnd().split('\n')
  const lines = trimmedLines(came)
  // How many of the lines that came the claimed ones so far may stand for.
  let reached = new Set([0])
  for (const [index, each] of claimed.entries()) {
    const next = new Set<number>()
    for (const at of reached) {
      if (each.trim() === ANYTHING) for (let to = at; to <= lines.length; to++) next.add(to)
      else if (at < lines.length && fits(each, lines[at] as string, numbersVary)) next.add(at + 1)
    }
    if (next.size === 0) {
      return { line: line + index, claimed: each, came: shown(lines, Math.min(...reached)) }
    }
    reached = next
  }
  if (reached.has(lines.length)) return null
  const end = line + claimed.length
  return { line: end, claimed: '(the end)', came: shown(lines, Math.max(...reached)) }
}

const SHOWN_LINES = 12

function shown(lines: readonly string[], from: number): string {
  const some = lines.slice(from, from + SHOWN_LINES)
  if (some.length === 0) return '(nothing more)'
  return [...some, ...(lines.length > from + SHOWN_LINES ? [ANYTHING] : [])].join('\n')
}

function trimmedLines(text: string): string[] {
  const lines = text.split('\n').map((each) => each.trimEnd())
  while (lines[0] === '') lines.shift()
  while (lines.at(-1) === '') lines.pop()
  return lines
}

/** Whether one line is as claimed. */
export function fits(claimed: string, came: string, numbersVary: boolean): boolean {
  const parts = claimed.trim().split(/(…|\s+|\d[\d.,]*)/)
  const pattern = parts.map((part) => {
    if (part === ANYTHING) return '.*'
    if (/^\s+$/.test(part)) return '\\s+'
    if (numbersVary && /^\d/.test(part)) return '\\d[\\d.,]*'
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${pattern.join('')}$`).test(came.trim())
}

function jsonDifference({ line, text, numbersVary }: Output, came: string): Difference | null {
  let claimed: unknown
  try {
    claimed = JSON.parse(text)
  } catch {
    return { line, claimed: text, came: 'what is claimed is not JSON' }
  }
  try {
    const path = firstMissing(claimed, JSON.parse(came), numbersVary, '')
    if (path === null) return null
    const at = text.split('\n').findIndex((each) => each.includes(`"${path.name}"`))
    return { line: line + Math.max(at, 0), claimed: path.claimed, came: path.came }
  } catch {
    return { line, claimed: 'JSON', came: came === '' ? '(nothing)' : came }
  }
}

interface Missing {
  /** Of the member. */
  readonly name: string
  readonly claimed: string
  readonly came: string
}

function firstMissing(
  claimed: unknown,
  came: unknown,
  numbersVary: boolean,
  path: string,
): Missing | null {
  if (isContainer(claimed) && isContainer(came) && Array.isArray(claimed) === Array.isArray(came)) {
    if (Array.isArray(claimed) && claimed.length > (came as unknown[]).length) {
      return missing(path, claimed, came)
    }
    for (const [name, value] of Object.entries(claimed)) {
      const inner = path === '' ? name : `${path}.${name}`
      const other = (came as Record<string, unknown>)[name]
      const found = firstMissing(value, other, numbersVary, inner)
      if (found !== null) return found
    }
    return null
  }
  return isSame(claimed, came, numbersVary) ? null : missing(path, claimed, came)
}

function isSame(claimed: unknown, came: unknown, numbersVary: boolean): boolean {
  if (typeof claimed === 'string' && typeof came === 'string')
    return fits(claimed, came, numbersVary)
  if (numbersVary && typeof claimed === 'number') return typeof came === 'number'
  return claimed === came
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

function missing(path: string, claimed: unknown, came: unknown): Missing {
  const name = path.split('.').at(-1) as string
  const said = (value: unknown): string => `${path}: ${JSON.stringify(value) ?? 'no such member'}`
  return { name, claimed: said(claimed), came: said(came) }
}

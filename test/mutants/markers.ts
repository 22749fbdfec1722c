/**
 * Guards in the source, found by their markers: comments that name what follows. A mutant is the source with one
 * guard taken out of force.
 *
 * ```
 *   // guard: refresh-floor
 *   const oldest = Math.max(asked, MIN_REFRESH_INTERVAL_MS)
 * ```
 *
 * Text on all sides, and no syntax tree: it is the compiled file that is changed, and in which the comments stand.
 */
import type { Guard } from './guards.ts'

/** How a guard is taken out of force. */
export type Mutation = Pick<Guard, 'name' | 'cuts' | 'prelude'>

const MARKER = /^([ \t]*)(?:\/\/|#) guard: ([a-z][a-z0-9-]*)$/gm
/** A guard is near its marker. */
const MAX_LINES = 16

/** The names of the markers in a text, in their order. */
export function markersIn(text: string): string[] {
  return [...text.matchAll(MARKER)].map(([, , name]) => name as string)
}

/**
 * The text with each part of the guard replaced. White space in a part stands for any.
 *
 * @throws Error when there is no such marker, or not exactly one such part in what it marks
 */
export function mutate(text: string, { name, cuts, prelude }: Mutation): string {
  const changed = cuts.reduce((before, [part, by]) => replace(before, name, part, by), text)
  return prelude === undefined ? changed : `${prelude}\n${changed}`
}

function replace(text: string, name: string, part: string, by: string): string {
  const { start, end } = markedBy(text, name)
  const marked = text.slice(start, end)
  const found = [...marked.matchAll(patternOf(part))]
  if (found.length !== 1) {
    throw new Error(
      `guard ${name}: ${found.length} times what is to be replaced: ${part}\n${marked}`,
    )
  }
  const at = start + (found[0]?.index ?? 0)
  return text.slice(0, at) + by + text.slice(at + (found[0]?.[0].length ?? 0))
}

/** From the marker to the end of the block in which it stands, or so many lines. */
function markedBy(text: string, name: string): { readonly start: number; readonly end: number } {
  const marker = [...text.matchAll(MARKER)].find(([, , each]) => each === name)
  if (marker === undefined) throw new Error(`guard ${name}: no marker`)
  const indent = (marker[1] as string).length
  const start = marker.index + marker[0].length + 1
  let end = start
  for (const line of text.slice(start).split('\n').slice(0, MAX_LINES)) {
    const isBlank = line.trim() === ''
    const isOutside = !isBlank && line.length - line.trimStart().length < indent
    if (isOutside) break
    end += line.length + 1
  }
  return { start, end }
}

function patternOf(part: string): RegExp {
  const words = part.trim().split(/\s+/)
  return new RegExp(
    words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+'),
    'g',
  )
}

/** What a page names of the repository: links, headings, scripts of package.json, commands and options of layby. Pure. */
import { posix } from 'node:path'
import type { Fault } from './faults.ts'

export interface Repository {
  /** Whether there is a file or folder of this path from the root. */
  has(path: string): boolean
  /** Text of a Markdown page; null: there is none. */
  page(path: string): string | null
  readonly scripts: readonly string[]
  /** Commands of layby, each with its options. */
  readonly commands: ReadonlyMap<string, readonly string[]>
}

export function referenceFaults(page: string, text: string, repository: Repository): Fault[] {
  const faults: Fault[] = []
  let isFenced = false
  for (const [index, each] of text.split('\n').entries()) {
    if (/^ *(```|~~~)/.test(each)) isFenced = !isFenced
    const fault = (claimed: string, came: string) =>
      faults.push({ page, line: index + 1, claimed, came })
    for (const [claimed, name] of each.matchAll(/\bnpm run (?:--?\w+ )*([a-z][a-z:-]*)/g)) {
      if (!repository.scripts.includes(name as string))
        fault(claimed, 'package.json has no such script')
    }
    const code = isFenced ? [each] : [...each.matchAll(/`([^`]+)`/g)].map((found) => found[1] ?? '')
    for (const text of code) {
      const reason = unknownCommand(text, repository)
      if (reason !== null) fault(text, reason)
    }
    if (isFenced) continue
    for (const [claimed, target] of each.matchAll(/\]\(([^)\s]+)\)/g)) {
      const reason = brokenLink(page, target as string, repository)
      if (reason !== null) fault(claimed, reason)
    }
  }
  return faults
}

/** Of `layby COMMAND --option`; a flag of its own (`layby --help`) is none. */
function unknownCommand(code: string, { commands }: Repository): string | null {
  const found = /(?:^|[|$] *|npx )layby ([a-z][a-z-]*)(.*)/.exec(code)
  const [, command = '', rest = ''] = found ?? []
  if (found === null || command === 'help') return null
  const options = commands.get(command)
  if (options === undefined) return `layby has no command ${command}`
  const unknown = rest.match(/--[a-z-]+/g)?.find((option) => !options.includes(option))
  return unknown === undefined ? null : `layby ${command} has no option ${unknown}`
}

function brokenLink(page: string, target: string, repository: Repository): string | null {
  if (/^[a-z]+:/.test(target)) return null
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? page : posix.join(posix.dirname(page), file)
  if (!repository.has(path)) return `there is no ${path}`
  if (anchor === undefined) return null
  const text = repository.page(path)
  if (text === null || anchorsOf(text).includes(anchor)) return null
  return `${path} has no such heading`
}

/** As GitHub names them. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>()
  return text
    .split('\n')
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) => {
      const words = line.replace(/^#+ +/, '').trim().toLowerCase()
      const slug = words.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-')
      const times = seen.get(slug) ?? 0
      seen.set(slug, times + 1)
      return times === 0 ? slug : `${slug}-${times}`
    })
}

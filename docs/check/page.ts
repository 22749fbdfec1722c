/** From the text of a page to the steps of its check, in the order of the page. Pure. */
import type { Fault } from './faults.ts'
import { type Mark, type OutputMark, parseMark, type RunMark, type SmokeMark } from './marks.ts'

/** What a page shows of the output of the block above. */
export interface Output extends OutputMark {
  readonly line: number
  readonly language: string
  readonly text: string
}

interface Place {
  readonly page: string
  /** Of the first line of the command, from 1. */
  readonly line: number
  readonly script: string
}

export interface RunStep extends RunMark, Place {
  readonly outputs: readonly Output[]
}
export interface SmokeStep extends SmokeMark, Place {}
export interface SkipStep extends Place {
  readonly kind: 'skip'
  readonly reason: string
}
export type Step = RunStep | SmokeStep | SkipStep

export interface ParsedPage {
  readonly steps: readonly Step[]
  /** Blocks that are not marked, or not as they may be. */
  readonly faults: readonly Fault[]
}

interface Block {
  /** Of its first line within the fence. */
  readonly line: number
  readonly language: string
  /** What stands behind the language, or in the comment above; empty: nothing. */
  readonly mark: string
  readonly text: string
}

const COMMAND_LANGUAGES = ['sh', 'bash', 'shell', 'console']
const FENCE = /^( *)(`{3,}|~{3,})\s*(\S*)\s*(.*?)\s*$/
const COMMENT = /^ *<!-- check: (.*?) -->\s*$/

export function parsePage(page: string, text: string): ParsedPage {
  const steps: Step[] = []
  const faults: Fault[] = []
  for (const block of blocksOf(text)) {
    const { line } = block
    const fault = (claimed: string, came: string) => faults.push({ page, line, claimed, came })
    const isCommand = COMMAND_LANGUAGES.includes(block.language)
    if (block.language === '')
      fault(firstLine(block), 'a block without a language: `sh`, `text`, …')
    if (block.mark === '') {
      if (isCommand)
        fault(firstLine(block), 'commands without a mark: `run`, `smoke` or `skip: why`')
      continue
    }
    const mark = parseMark(block.mark)
    if (mark === null) fault(block.mark, 'no such mark')
    else if ((mark.kind !== 'output') !== isCommand) {
      fault(block.mark, isCommand ? 'commands are no output' : 'a mark for commands')
    } else {
      const reason = addTo(steps, page, block, mark)
      if (reason !== null) fault(firstLine(block), reason)
    }
  }
  return { steps, faults }
}

/** @returns why it can't be */
function addTo(steps: Step[], page: string, { line, language, text }: Block, mark: Mark) {
  if (mark.kind !== 'output') {
    const place = { page, line, script: text }
    steps.push(mark.kind === 'run' ? { ...mark, ...place, outputs: [] } : { ...mark, ...place })
    return null
  }
  const above = steps.at(-1)
  if (above?.kind === 'skip') return null
  if (above?.kind !== 'run') return 'the output of no command: there is no `run` above'
  if (mark.isAgain && above.outputs.length === 0) return '`again` without a first output'
  if (!mark.isAgain && above.outputs.length > 0) return 'a second output: is it `output again`?'
  steps[steps.length - 1] = {
    ...above,
    outputs: [...above.outputs, { ...mark, line, language, text }],
  }
  return null
}

const firstLine = ({ text }: Block): string => text.split('\n')[0] ?? ''

/** Fenced blocks, and tables below a comment. */
function blocksOf(text: string): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const above = COMMENT.exec(lines[at - 1] ?? '')?.[1] ?? ''
    const fence = FENCE.exec(lines[at] ?? '')
    if (fence !== null) {
      const [, indent = '', marks = '', language = '', words = ''] = fence
      const end = lines.findIndex((line, index) => index > at && line.trim() === marks)
      const last = end === -1 ? lines.length : end
      const content = lines.slice(at + 1, last).map((line) => withoutIndent(line, indent.length))
      blocks.push({ line: at + 2, language, mark: words || above, text: content.join('\n') })
      at = last
    } else if (above !== '' && lines[at]?.startsWith('|')) {
      const length = lines.slice(at).findIndex((line) => !line.startsWith('|'))
      const table = lines.slice(at, length === -1 ? undefined : at + length)
      blocks.push({ line: at + 1, language: 'table', mark: above, text: table.join('\n') })
    }
  }
  return blocks
}

const withoutIndent = (line: string, width: number): string =>
  line.slice(0, width).trim() === '' ? line.slice(width) : line

/** Ports of loopback that a page names: what it starts uses them. */
export function portsNamed(text: string): number[] {
  const found = text.matchAll(/(?:127\.0\.0\.1|localhost):(\d{2,5})\b/g)
  return [...new Set([...found].map(([, port]) => Number(port)))]
}

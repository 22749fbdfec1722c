/** The Dockerfile and .dockerignore as values: what Docker would read in them, for tests that have no Docker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Stage {
  readonly name: string
  /** The image or the stage that it begins with. */
  readonly from: string
  /** Its instructions but `FROM`, one a string, continued lines joined. */
  readonly steps: readonly string[]
}

export interface Copy {
  /** The stage that is copied from; undefined: what is sent to Docker. */
  readonly stage: string | undefined
  readonly paths: readonly string[]
  readonly to: string
}

/** @param text a Dockerfile without here-documents and without escapes other than `\` at the end of a line */
export function stagesOf(text: string): Stage[] {
  const joined = text.replace(/^ *#.*\n/gm, '').replace(/\\\n/g, ' ')
  const [, ...stages] = joined.split(/^FROM /m)
  return stages.map((stage) => {
    const [head = '', ...steps] = stage.split('\n').filter((line) => line !== '')
    const [from = '', , name = ''] = head.split(' ')
    return { name, from, steps }
  })
}

export function dockerfile(): Stage[] {
  return stagesOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
}

/** What a step copies, where it is a `COPY`. */
export function copyOf(step: string): Copy | undefined {
  const [word, ...words] = step.split(/ +/)
  if (word !== 'COPY') return undefined
  const stage = /^--from=(.+)$/.exec(words[0] ?? '')?.[1]
  const paths = stage === undefined ? words : words.slice(1)
  return { stage, paths: paths.slice(0, -1), to: paths.at(-1) as string }
}

/** The list of an instruction in its exec form: the last one of this stage, or of none an empty list. */
export function execForm(stage: Stage, word: 'CMD' | 'ENTRYPOINT'): string[] {
  const step = stage.steps.findLast((each) => each.startsWith(`${word} `))
  return step === undefined ? [] : (JSON.parse(step.slice(word.length)) as string[])
}

/** `LABEL`s of a stage, with each build argument's default put in for it. */
export function labelsOf(stage: Stage): Record<string, string> {
  const defaults = new Map<string, string>()
  const labels: Record<string, string> = {}
  for (const step of stage.steps) {
    const [, argument = '', value = ''] = /^ARG (\w+)=(.*)$/.exec(step) ?? []
    if (argument !== '') defaults.set(argument, value)
    if (!step.startsWith('LABEL ')) continue
    for (const [, label = '', text = ''] of step.matchAll(/([\w.]+)="([^"]*)"/g)) {
      labels[label] = text.replace(/\$\{(\w+)\}/g, (whole, name) => defaults.get(name) ?? whole)
    }
  }
  return labels
}

/** Lines of .dockerignore that say something. */
export function ignoreLines(): string[] {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

/**
 * Whether a path reaches Docker: the last line that matches it, or a folder above it, decides. Of patterns `*` alone
 * is understood, which is the only one that the file has.
 */
export function isSent(path: string, lines: readonly string[] = ignoreLines()): boolean {
  let sent = true
  for (const line of lines) {
    const pattern = line.replace(/^!/, '')
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) {
      sent = line.startsWith('!')
    }
  }
  return sent
}

/**
 * Marks of fenced blocks: the words behind the language in the info string, or a comment in the line above:
 *
 *     ```sh run                              ```sh run within=20
 *     ```sh smoke: Stop with Ctrl+C.         ```sh run needs=docker
 *     ```sh skip: takes a quarter of an hour
 *     ```text output                         ```text output again
 *     <!-- check: output numbers -->
 *
 * docs/docs-check.md explains them to those who write pages. Pure.
 */

export interface RunMark {
  readonly kind: 'run'
  /** The program without which the block is skipped. */
  readonly needs: string | null
  /** The block is repeated for so long, until its output is as claimed; 0: it is run once. */
  readonly withinSeconds: number
}

export interface SmokeMark {
  readonly kind: 'smoke'
  readonly needs: string | null
  /** Text within a line that it writes; null: it need only not end at once. */
  readonly until: string | null
}

export interface SkipMark {
  readonly kind: 'skip'
  readonly reason: string
}

export interface OutputMark {
  readonly kind: 'output'
  /** Of the block above, run once more. */
  readonly isAgain: boolean
  /** Each number may be another one. */
  readonly numbersVary: boolean
}

export type Mark = RunMark | SmokeMark | SkipMark | OutputMark

const MARK = /^(run|smoke|skip|output)((?: +[a-z]+(?:=[^\s:]+)?)*)(?:: *(.*))?$/

/** @returns null: there is no such mark */
export function parseMark(text: string): Mark | null {
  const found = MARK.exec(text.trim())
  if (found === null) return null
  const [, kind, optionText = '', said = ''] = found
  const options = new Map<string, string>(
    optionText
      .trim()
      .split(/ +/)
      .filter((each) => each !== '')
      .map((each): [string, string] => {
        const [name = '', value = ''] = each.split('=')
        return [name, value]
      }),
  )
  const isKnown = (...names: string[]) => [...options.keys()].every((name) => names.includes(name))
  const needs = options.get('needs') ?? null
  if (kind === 'run' && said === '' && isKnown('needs', 'within')) {
    const withinSeconds = Number(options.get('within') ?? 0)
    return Number.isInteger(withinSeconds) ? { kind, needs, withinSeconds } : null
  }
  if (kind === 'smoke' && isKnown('needs')) {
    return { kind, needs, until: said === '' ? null : said }
  }
  if (kind === 'skip' && said !== '' && isKnown()) return { kind, reason: said }
  if (kind === 'output' && said === '' && isKnown('again', 'numbers')) {
    return { kind, isAgain: options.has('again'), numbersVary: options.has('numbers') }
  }
  return null
}

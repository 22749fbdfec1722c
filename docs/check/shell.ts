/** One shell for the `run` blocks of a page: variables, functions and aliases of a block are there in the next one. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './children.ts'

export interface Ran {
  /** Standard output. */
  readonly output: string
  readonly errors: string
  /** The first command that failed: its line within the block, from 1, and its code. Null: none did. */
  readonly failed: { readonly line: number; readonly code: number } | null
  /** It was not over in time. The shell is gone then, and so is all that it ran. */
  readonly isLate: boolean
}

export class PageShell {
  readonly #child: Child
  readonly #files: string

  /** @param files a folder for what the shell reads and writes */
  constructor(cwd: string, files: string) {
    this.#child = new Child(['bash', '--noprofile', '--norc'], cwd)
    this.#files = files
    const note = 'code=$?; [ -n "$failed" ] || failed="$LINENO $code"'
    this.#child.write(`shopt -s expand_aliases; set -E; trap '${note}' ERR\n`)
  }

  async run(script: string, ms: number): Promise<Ran> {
    const end = randomBytes(8).toString('hex')
    const [block, out, errors] = ['block', 'out', 'errors'].map((name) => join(this.#files, name))
    writeFileSync(block as string, `${script}\n`)
    this.#child.write(
      `failed=; . '${block}' </dev/null >'${out}' 2>'${errors}'; echo "${end} $failed."\n`,
    )
    const pattern = new RegExp(`${end} (?:(\\d+) (\\d+))?\\.`)
    const isDone = await this.#child.until(() => pattern.test(this.#child.output), ms)
    const found = pattern.exec(this.#child.output)
    if (!isDone) await this.close()
    return {
      output: readFileSync(out as string, 'utf8'),
      errors: readFileSync(errors as string, 'utf8'),
      failed: found?.[1] === undefined ? null : { line: Number(found[1]), code: Number(found[2]) },
      isLate: !isDone,
    }
  }

  async close(): Promise<void> {
    await this.#child.end('SIGKILL', 5_000)
  }
}

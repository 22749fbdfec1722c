/**
 * Whether files have changed, by looking at them every so often: that also notices a file that is renamed into place, and
 * a link that leads elsewhere, as Kubernetes swaps them. A change counts when it has come to rest, so that of a pair of
 * files that is written one after the other both are new. Contents are not read.
 */
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

const EXACT = { bigint: true } as const

interface Stat {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
}

export class FileChanges {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  /** What was last acted upon. */
  #known: string
  /** What was seen at the last look. */
  #seen: string
  #isLooking = false

  /** To be made before the files are read. */
  constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths
    this.#onChange = onChange
    this.#known = paths.map((path) => orCode(() => signature(statSync(path, EXACT)))).join()
    this.#seen = this.#known
  }

  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const now = (await Promise.all(this.#paths.map(signatureOf))).join()
    this.#isLooking = false
    const isAtRest = now === this.#seen
    this.#seen = now
    if (!isAtRest || now === this.#known) return
    this.#known = now
    this.#onChange()
  }
}

async function signatureOf(path: string): Promise<string> {
  return stat(path, EXACT).then(signature, codeOf)
}

function signature({ dev, ino, size, mtimeNs }: Stat): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`
}

function orCode(of: () => string): string {
  try {
    return of()
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}

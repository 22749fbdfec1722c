/** A copy of what was compiled, in which guards can be taken out of force, and tests that are run in it. */
import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestRun } from './guards.ts'

/** What a mutant changes is copied; the rest is only looked at. */
const COPIED = ['.build', 'deploy', 'package.json']
const LEFT_OUT = ['.git', '.tap', 'dist']

export class Scratch {
  readonly #root: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'layby-mutants-'))

  /** @param root of the repository */
  constructor(root: string) {
    this.#root = root
    for (const name of readdirSync(root)) {
      const [from, to] = [join(root, name), join(this.#folder, name)]
      if (COPIED.includes(name)) cpSync(from, to, { recursive: true, preserveTimestamps: true })
      else if (!LEFT_OUT.includes(name)) symlinkSync(from, to)
    }
    mkdirSync(join(this.#folder, '.tap'))
  }

  /** Puts `text` into the copy of a file. */
  change(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), text)
  }

  restore(file: string): void {
    this.change(file, readFileSync(join(this.#root, file), 'utf8'))
  }

  run(test: TestRun): Promise<Ended> {
    return runTest(this.#folder, test)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export interface Ended {
  /** `passed`: at least one assertion, and none failed. */
  readonly kind: 'passed' | 'failed' | 'timeout' | 'empty'
  readonly seconds: number
  readonly output: string
}

const DEFAULT_SECONDS = 240

function runTest(folder: string, { file, title, env, seconds }: TestRun): Promise<Ended> {
  const limit = seconds ?? DEFAULT_SECONDS
  const startedAt = performance.now()
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=32', join(folder, `.build/test/${file}.test.js`)],
    {
      cwd: folder,
      // A group of its own, so that nothing that a test has started outlives it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...env,
        TAP_BAIL: '1',
        TAP_TIMEOUT: String(limit),
        ...(title === undefined ? {} : { TAP_GREP: title }),
      },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-200_000)
    })
  }
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  }
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    end()
  }, limit * 1_000)
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer)
      end()
      const passes = Number(/^# \{.*\bpass: (\d+)/m.exec(output)?.[1] ?? 0)
      const kind = isLate ? 'timeout' : code !== 0 ? 'failed' : passes === 0 ? 'empty' : 'passed'
      resolve({ kind, seconds: (performance.now() - startedAt) / 1_000, output })
    })
  })
}

/** Runs the commands of pages and compares what comes with what they claim. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differenceOf } from './compare.ts'
import type { Fault } from './faults.ts'
import { parsePage, portsNamed, type RunStep, type SmokeStep, type Step } from './page.ts'
import { PageShell, type Ran } from './shell.ts'
import { isTaken, lastLines, Smoke } from './smoke.ts'

export interface CheckOptions {
  /** Where the pages lie and the commands run: a copy, since they write. */
  readonly folder: string
  /** Paths of the pages from there. */
  readonly pages: readonly string[]
  /** For all of it. Milliseconds. */
  readonly budgetMs: number
  /** What has been interrupted must have ended after this time. Above `server.drainTimeoutMs`. Milliseconds. */
  readonly endMs: number
  /** Whether there is such a program. */
  readonly has: (program: string) => boolean
  readonly onStep?: (page: string, step: Step) => void
}

export interface Checked {
  readonly faults: readonly Fault[]
  readonly ran: number
  readonly started: number
  readonly skipped: readonly {
    readonly page: string
    readonly line: number
    readonly reason: string
  }[]
}

export async function checkPages(options: CheckOptions): Promise<Checked> {
  const files = mkdtempSync(join(tmpdir(), 'layby-docs-'))
  const check = new Check(options, files)
  try {
    for (const page of options.pages) await check.page(page)
  } finally {
    rmSync(files, { recursive: true, force: true })
  }
  return check
}

/** Pause before a block whose output is not there yet is repeated. */
const REPEAT_MS = 1_000
/** For one block. */
const BLOCK_MS = 120_000

class Check implements Checked {
  readonly faults: Fault[] = []
  readonly skipped: { page: string; line: number; reason: string }[] = []
  ran = 0
  started = 0
  readonly #options: CheckOptions
  readonly #files: string
  readonly #deadline: number

  constructor(options: CheckOptions, files: string) {
    this.#options = options
    this.#files = files
    this.#deadline = performance.now() + options.budgetMs
  }

  async page(page: string): Promise<void> {
    const text = readFileSync(join(this.#options.folder, page), 'utf8')
    const { steps, faults } = parsePage(page, text)
    this.faults.push(...faults)
    const course = new PageCourse(this, this.#options, this.#files, portsNamed(text))
    try {
      for (const step of steps) await this.#take(page, step, course)
    } finally {
      await course.close(page)
    }
  }

  async #take(page: string, step: Step, course: PageCourse): Promise<void> {
    this.#options.onStep?.(page, step)
    if (step.kind === 'skip') return this.#skip(step, step.reason)
    if (step.needs !== null && !this.#options.has(step.needs)) {
      return this.#skip(step, `${step.needs} is not there`)
    }
    if (course.isBroken && step.kind === 'run') {
      return this.#skip(step, 'what the page starts has not started')
    }
    if (this.left() <= 0) return this.fault(step, step.line, step.script, 'no time was left')
    if (step.kind === 'smoke') {
      this.started++
      await course.start(step)
    } else {
      this.ran++
      await course.run(step)
    }
  }

  #skip({ page, line }: Step, reason: string): void {
    this.skipped.push({ page, line, reason })
  }

  fault({ page }: { readonly page: string }, line: number, claimed: string, came: string): void {
    this.faults.push({ page, line, claimed, came })
  }

  /** Milliseconds. */
  left(): number {
    return this.#deadline - performance.now()
  }
}

/** What a page has running: one shell, and one thing that it started. */
class PageCourse {
  readonly #check: Check
  readonly #options: CheckOptions
  readonly #files: string
  readonly #ports: readonly number[]
  #shell: PageShell | null = null
  #smoke: Smoke | null = null
  /** What comes next would ask something else that listens there. */
  isBroken = false

  constructor(check: Check, options: CheckOptions, files: string, ports: readonly number[]) {
    this.#check = check
    this.#options = options
    this.#files = files
    this.#ports = ports
  }

  async start(step: SmokeStep): Promise<void> {
    await this.#endSmoke(step.page)
    this.isBroken = true
    for (const port of this.#ports) {
      if (await isTaken(port)) {
        const came = `port ${port}, which the page names, is taken by something else`
        return this.#check.fault(step, step.line, step.script, came)
      }
    }
    const started = await Smoke.start(step, this.#options.folder, {
      startMs: this.#check.left(),
      endMs: this.#options.endMs,
    })
    if ('came' in started) {
      return this.#check.fault(step, step.line, started.claimed, started.came)
    }
    this.isBroken = false
    this.#smoke = started.smoke
  }

  async run(step: RunStep): Promise<void> {
    const until = performance.now() + step.withinSeconds * 1_000
    for (;;) {
      const fault = await this.#runOnce(step)
      if (fault === null) return
      if (fault.isFinal || performance.now() + REPEAT_MS > until) {
        return this.#check.fault(step, fault.line, fault.claimed, fault.came)
      }
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS))
    }
  }

  async #runOnce(step: RunStep) {
    // The first output is that of the first run; a block without one is run all the same.
    for (const output of step.outputs.length === 0 ? [null] : step.outputs) {
      this.#shell ??= new PageShell(this.#options.folder, this.#files)
      const ran = await this.#shell.run(step.script, Math.min(BLOCK_MS, this.#check.left()))
      if (ran.isLate) this.#shell = null
      const fault = failureOf(step, ran)
      if (fault !== null) return fault
      const difference = output === null ? null : differenceOf(output, ran.output)
      if (difference !== null) return { ...difference, isFinal: false }
    }
    return null
  }

  async close(page: string): Promise<void> {
    await this.#shell?.close()
    await this.#endSmoke(page)
  }

  async #endSmoke(page: string): Promise<void> {
    const smoke = this.#smoke
    this.#smoke = null
    const came = (await smoke?.end()) ?? null
    if (smoke !== null && came !== null) {
      this.#check.fault({ page }, smoke.line, 'it runs until it is interrupted', came)
    }
  }
}

function failureOf(step: RunStep, { failed, isLate, output, errors }: Ran) {
  const lines = step.script.split('\n')
  if (isLate) {
    const came = `it was not over in time:\n${lastLines(output + errors)}`
    return { line: step.line, claimed: step.script, came, isFinal: true }
  }
  if (failed === null) return null
  const claimed = lines[failed.line - 1] ?? step.script
  const came = `exit code ${failed.code}:\n${lastLines(errors === '' ? output : errors)}`
  return { line: step.line + failed.line - 1, claimed, came, isFinal: false }
}

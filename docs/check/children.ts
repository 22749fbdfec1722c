/** Processes that the check starts: each in a group of its own, by which all of it is ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What belongs to this process, or to the tests, and no newcomer has. */
const OWN = /^(LAYBY_|OTEL_|TAP|NODE_|INIT_CWD$|FAST_PATH$|npm_(lifecycle|package|config_local)_)/

/** The environment of somebody who has just opened a terminal. */
export function newcomerEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(own).filter(([name]) => !OWN.test(name))
  const path = (own['PATH'] ?? '').split(':').filter((each) => !each.includes('node_modules'))
  return {
    ...Object.fromEntries(kept),
    PATH: path.join(':'),
    TERM: 'dumb',
    // What `npm ci` fetches has mostly been fetched before.
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
  }
}

export class Child {
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  #output = ''
  #isEnded = false
  #onOutput: () => void = () => {}

  constructor(command: readonly string[], cwd: string) {
    const [program, ...args] = command
    this.#process = spawn(program as string, args, {
      cwd,
      env: newcomerEnvironment(process.env),
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#process.stdin?.on('error', () => {})
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#onOutput()
      })
    }
    this.#ended = new Promise<void>((resolve) => {
      this.#process.once('error', () => resolve())
      this.#process.once('close', () => resolve())
    }).then(() => {
      this.#isEnded = true
      this.#onOutput()
    })
    running.add(this)
  }

  get output(): string {
    return this.#output
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  write(text: string): void {
    this.#process.stdin?.write(text)
  }

  /** Resolves when `isThere` holds, when the process has ended, or when the time is over. */
  async until(isThere: () => boolean, ms: number): Promise<boolean> {
    const deadline = performance.now() + ms
    while (!isThere() && !this.#isEnded && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()))
        this.#onOutput = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return isThere()
  }

  /**
   * As Ctrl-C does: every process of the group hears it.
   * @returns whether all of it ended in that time; what has not is killed
   */
  async end(signal: 'SIGINT' | 'SIGKILL', ms: number): Promise<boolean> {
    this.#signal(signal)
    const timer = new AbortController()
    const late = once(AbortSignal.any([timer.signal, AbortSignal.timeout(ms)]), 'abort')
    await Promise.race([this.#ended, late])
    timer.abort()
    const isInTime = this.#isEnded
    this.#signal('SIGKILL')
    await this.#ended
    running.delete(this)
    return isInTime
  }

  #signal(signal: 'SIGINT' | 'SIGKILL'): void {
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, signal)
    } catch {
      // All of the group has ended.
    }
  }

  kill(): void {
    this.#signal('SIGKILL')
  }
}

const running = new Set<Child>()

/** When this process ends before its time. */
export function killAll(): void {
  for (const child of running) child.kill()
}

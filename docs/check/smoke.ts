/** What a page starts and leaves running: it must reach the line that is claimed, and end when it is interrupted. */
import { connect } from 'node:net'
import { Child } from './children.ts'
import type { SmokeStep } from './page.ts'

/** What claims no line must not have ended after this time. */
const NOT_AT_ONCE_MS = 3_000

export type Started =
  | { readonly smoke: Smoke }
  | { readonly claimed: string; readonly came: string }

/** Milliseconds. */
interface Times {
  /** To reach the line. */
  readonly startMs: number
  /** To end, once it is interrupted. */
  readonly endMs: number
}

export class Smoke {
  readonly line: number
  readonly #child: Child
  readonly #endMs: number

  private constructor(child: Child, line: number, endMs: number) {
    this.#child = child
    this.line = line
    this.#endMs = endMs
  }

  static async start(
    { script, until, line }: SmokeStep,
    cwd: string,
    { startMs, endMs }: Times,
  ): Promise<Started> {
    const child = new Child(['bash', '--noprofile', '--norc', '-c', script], cwd)
    const hasReached = until === null ? () => false : () => child.output.includes(until)
    const reached = await child.until(hasReached, until === null ? NOT_AT_ONCE_MS : startMs)
    if (reached || (until === null && !child.isEnded)) {
      return { smoke: new Smoke(child, line, endMs) }
    }
    const how = child.isEnded ? 'it ended' : `not within ${Math.round(startMs / 1_000)} s`
    await child.end('SIGKILL', endMs)
    return { claimed: until ?? 'it runs', came: `${how}:\n${lastLines(child.output)}` }
  }

  /** @returns what was wrong with its end; null: nothing */
  async end(): Promise<string | null> {
    const isEarly = this.#child.isEnded
    const isInTime = await this.#child.end('SIGINT', this.#endMs)
    if (isEarly) return `it had ended before:\n${lastLines(this.#child.output)}`
    if (isInTime) return null
    return `it still ran ${this.#endMs / 1_000} s after Ctrl-C:\n${lastLines(this.#child.output)}`
  }
}

export const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-12).join('\n')

export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

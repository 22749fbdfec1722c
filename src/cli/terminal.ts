/**
 * A terminal that is drawn on and given back as it was: on a key, on a signal, and when the process ends by a
 * fault. Its other screen is used, so that what was on it before comes back.
 */
import type { Edges } from './edges.ts'

const ESCAPE = '\u001b['
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}2J`
const LEAVE = `${ESCAPE}0m${ESCAPE}?25h${ESCAPE}?1049l`
const HOME = `${ESCAPE}H`
const TO_END_OF_LINE = `${ESCAPE}K`
const TO_END_OF_SCREEN = `${ESCAPE}J`
/** q, and what Ctrl-C and Ctrl-D send in raw mode. */
const QUIT_KEYS = ['q', 'Q', '\u0003', '\u0004']
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const PLAIN_SIZE = { columns: 80, rows: 24 }

export class Terminal {
  readonly #edges: Pick<Edges, 'stdin' | 'stdout' | 'signals'>
  readonly #quit = new AbortController()
  readonly #onResize: () => void
  #isOpen = false

  /** @param onResize to draw again */
  constructor(edges: Pick<Edges, 'stdin' | 'stdout' | 'signals'>, onResize: () => void) {
    this.#edges = edges
    this.#onResize = onResize
  }

  /** Aborted when the operator wants to leave. */
  get quit(): AbortSignal {
    return this.#quit.signal
  }

  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#edges.stdout
    // Some terminals say 0 until they know.
    return { columns: columns || PLAIN_SIZE.columns, rows: rows || PLAIN_SIZE.rows }
  }

  open(): void {
    const { stdin, stdout, signals } = this.#edges
    this.#isOpen = true
    for (const signal of SIGNALS) signals.on(signal, this.#leave)
    signals.on('exit', this.close)
    stdout.on('resize', this.#resized)
    if (stdin.isTTY) {
      stdin.setRawMode(true)
      stdin.on('data', this.#keyed).resume()
    }
    stdout.write(ENTER)
  }

  /** Over what is there, line by line, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const text = lines.map((line) => line + TO_END_OF_LINE).join('\r\n')
    this.#edges.stdout.write(HOME + text + TO_END_OF_SCREEN)
  }

  /** Once or more often; the first time counts. */
  readonly close = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { stdin, stdout, signals } = this.#edges
    for (const signal of SIGNALS) signals.off(signal, this.#leave)
    signals.off('exit', this.close)
    stdout.off('resize', this.#resized)
    stdout.write(LEAVE)
    if (stdin.isTTY) {
      stdin.setRawMode(false)
      stdin.off('data', this.#keyed).pause()
    }
  }

  readonly #leave = (): void => this.#quit.abort()

  readonly #keyed = (keys: Buffer | string): void => {
    const text = String(keys)
    if (QUIT_KEYS.some((key) => text.includes(key))) this.#leave()
  }

  readonly #resized = (): void => {
    // What the old width had wrapped would stay between the new lines.
    this.#edges.stdout.write(`${ESCAPE}2J`)
    this.#onResize()
  }
}

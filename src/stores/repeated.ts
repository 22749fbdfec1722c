/** What Redis or the other instances have not taken, told again until they have. */

const RETRY_MS = 250

export interface RepeatedOptions<V> {
  /** Beyond it the oldest are let go of; whoever keeps something here says what that costs. */
  readonly max: number
  /** Whether it is worth trying. */
  readonly isReady: () => boolean
  /** False: it was not taken. Never rejects. */
  readonly tell: (key: string, value: V) => Promise<boolean>
}

export class Repeated<V> {
  readonly #options: RepeatedOptions<V>
  readonly #pending = new Map<string, V>()
  readonly #timer: NodeJS.Timeout
  #isRetrying = false

  constructor(options: RepeatedOptions<V>) {
    this.#options = options
    this.#timer = setInterval(() => void this.retry(), RETRY_MS)
    this.#timer.unref()
  }

  /** In place of what was kept under this key. */
  keep(key: string, value: V): void {
    this.#pending.delete(key)
    this.#pending.set(key, value)
    if (this.#pending.size <= this.#options.max) return
    for (const oldest of this.#pending.keys()) return void this.#pending.delete(oldest)
  }

  /** @returns whether anything was kept */
  drop(key: string): boolean {
    return this.#pending.delete(key)
  }

  /** Oldest first, until one is not taken. */
  async retry(): Promise<void> {
    if (this.#isRetrying || !this.#options.isReady()) return
    this.#isRetrying = true
    for (const [key, value] of [...this.#pending]) {
      // It was replaced or dropped while another one was told.
      if (this.#pending.get(key) !== value) continue
      // guard: told-again
      if (!(await this.#options.tell(key, value))) break
      if (this.#pending.get(key) === value) this.#pending.delete(key)
    }
    this.#isRetrying = false
  }

  get size(): number {
    return this.#pending.size
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

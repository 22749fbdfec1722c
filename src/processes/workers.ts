/**
 * The worker processes: started, asked, started anew when they end unasked, ended. Who connects to the public
 * port is given to them in turn by node:cluster.
 */
import cluster, { type Worker } from 'node:cluster'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Question, ToPrimary, ToWorker } from './messages.ts'
import { Relay, TICK_MS } from './relay.ts'

/** What lived for so long has not failed at once. Milliseconds. */
const SETTLED_MS = 10_000
const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
/** For an answer to a question. Milliseconds. */
const ANSWER_MS = 2_000

export interface WorkersOptions {
  /** The script that a worker runs. */
  readonly script: string
  readonly config: Config
  readonly count: number
  readonly clock: Clock
  readonly log: Logger
  readonly onListening: (id: number) => void
  /** A worker has ended; true: another takes its place. */
  readonly onEnd: (id: number, isReplaced: boolean) => void
}

export class Workers {
  readonly #options: WorkersOptions
  readonly #relay: Relay
  readonly #listening = new Map<number, string>()
  readonly #questions = new Map<number, (value: unknown) => void>()
  readonly #timer: NodeJS.Timeout
  #asked = 0
  #failures = 0
  #isLeaving = false
  #whenGone: () => void = () => {}
  #firstFailed: ((error: Error) => void) | null = null

  constructor(options: WorkersOptions) {
    this.#options = options
    const afterReading = (then: () => void): void => {
      // The second comes after a whole round of reading that began after this message was read.
      setImmediate(() => setImmediate(then))
    }
    const onSilent = (id: number): void => {
      options.log.error({ worker: id }, 'a worker hangs and is ended')
      cluster.workers?.[id]?.process.kill('SIGKILL')
    }
    this.#relay = new Relay({ clock: options.clock, afterReading, onSilent })
    this.#timer = setInterval(() => this.#relay.tick(), TICK_MS)
  }

  /** Ids of those that take requests. */
  get listening(): readonly number[] {
    return [...this.#listening.keys()]
  }

  /**
   * The first alone: it proves the configuration. The others follow.
   *
   * @returns the base URL of the public listener
   * @throws ConfigError, or the error of listening
   */
  async start(): Promise<string> {
    cluster.setupPrimary({ exec: this.#options.script, args: [] })
    const url = await new Promise<string>((resolve, reject) => {
      this.#firstFailed = reject
      this.#fork(resolve)
    })
    this.#firstFailed = null
    for (let i = 1; i < this.#options.count && !this.#isLeaving; i++) this.#fork()
    return url
  }

  /** Null: it has ended, or takes too long. */
  async ask(id: number, question: Question): Promise<unknown> {
    const n = ++this.#asked
    return new Promise((resolve) => {
      const done = (value: unknown): void => {
        clearTimeout(timer)
        this.#questions.delete(n)
        resolve(value)
      }
      const timer = setTimeout(() => done(null), ANSWER_MS)
      this.#questions.set(n, done)
      this.#send(id, { kind: 'ask', n, question })
    })
  }

  /**
   * No further worker is started, and those that do not listen so far are ended: nothing is under way in them. `start`
   * rejects where the first one is among them.
   */
  endStarting(): void {
    this.#isLeaving = true
    for (const worker of Object.values(cluster.workers ?? {})) {
      // Not SIGKILL: one that has begun to listen, and has not said so yet, drains on this signal.
      if (worker !== undefined && !this.#listening.has(worker.id)) worker.process.kill('SIGTERM')
    }
  }

  /** Resolves when all have answered what was under way, and are gone. */
  async drain(): Promise<void> {
    this.endStarting()
    const ids = Object.keys(cluster.workers ?? {}).map(Number)
    if (ids.length > 0) {
      const gone = new Promise<void>((resolve) => {
        this.#whenGone = resolve
      })
      for (const id of ids) this.#send(id, { kind: 'drain' })
      await gone
    }
    clearInterval(this.#timer)
  }

  /** At once. */
  kill(): void {
    this.#isLeaving = true
    clearInterval(this.#timer)
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  }

  #fork(onListening: (url: string) => void = () => {}): void {
    const worker = cluster.fork()
    const startedAt = this.#options.clock.monotonic()
    worker.on('message', (message: ToPrimary) => this.#receive(worker, message, onListening))
    worker.on('error', () => {})
    worker.on('exit', (code, signal) => this.#ended(worker, startedAt, code, signal))
  }

  #receive({ id }: Worker, message: ToPrimary, onListening: (url: string) => void): void {
    switch (message.kind) {
      case 'hello':
        this.#relay.join(id, (to) => this.#send(id, to))
        this.#send(id, { kind: 'start', config: this.#options.config })
        return
      case 'listening':
        this.#listening.set(id, message.url)
        this.#options.onListening(id)
        onListening(message.url)
        return
      case 'failed':
        this.#failed(message)
        return
      case 'answer':
        this.#questions.get(message.n)?.(message.value)
        return
      default:
        this.#relay.receive(id, message)
    }
  }

  #failed({ key, reason, code }: ToPrimary & { kind: 'failed' }): void {
    const error = key === null ? new Error(reason) : new ConfigError(key, reason)
    if (this.#firstFailed === null)
      // A reason that has no key is the message of an error.
      this.#options.log.error(
        { key, reason: key === null ? null : reason, 'error.code': code },
        'a worker can’t start',
      )
    else this.#firstFailed(Object.assign(error, code === null ? {} : { code }))
  }

  #ended({ id }: Worker, startedAt: number, code: number | null, signal: string | null): void {
    this.#relay.leave(id)
    this.#listening.delete(id)
    this.#firstFailed?.(new Error('the first worker ended before it could listen'))
    const isReplaced = !this.#isLeaving && this.#firstFailed === null
    this.#options.onEnd(id, isReplaced)
    if (isReplaced) this.#replace(id, startedAt, code, signal)
    else if (Object.keys(cluster.workers ?? {}).length === 0) this.#whenGone()
  }

  #replace(id: number, startedAt: number, code: number | null, signal: string | null): void {
    const { clock, log } = this.#options
    const isSettled = clock.monotonic() - startedAt >= SETTLED_MS
    this.#failures = isSettled ? 0 : this.#failures + 1
    const pauseMs = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** this.#failures)
    log.error({ worker: id, code, signal, restart_in_ms: pauseMs }, 'a worker has ended')
    setTimeout(() => {
      if (!this.#isLeaving) this.#fork()
    }, pauseMs).unref()
  }

  #send(id: number, message: ToWorker): void {
    const worker = cluster.workers?.[id]
    // Whoever is gone is not told; that it is gone is told by its exit.
    if (worker?.isConnected()) worker.process.send(message, undefined, undefined, () => {})
  }
}

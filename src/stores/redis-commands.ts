/**
 * The one way to Redis for commands. Nothing here rejects, or waits much longer than the budget: whoever asks is
 * told that Redis is not to be had, and goes on without.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../lib/clock.ts'
import { Breaker } from './breaker.ts'
import { TooLate, within } from './patience.ts'
import { codeOf } from './redis-codes.ts'
import { connect, type RedisClient, type RedisSettings } from './redis-connection.ts'

/** A Lua script; all keys of a call must be in one slot. */
export interface Script {
  /** A name that is no command of Redis. */
  readonly name: string
  readonly lua: string
}

export type Reply =
  /** Strings as buffers. */
  | { readonly ok: true; readonly value: unknown }
  /** `refused`: Redis has answered with an error, and nothing was done. Otherwise it may yet be done. */
  | { readonly ok: false; readonly refused: boolean }

export interface RedisCommands {
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<Reply>
  publish(channel: string, message: Buffer): Promise<Reply>
  readonly isUsable: boolean
  /** False from a command that was not answered in time until one that is: one wait for each request is enough. */
  readonly isAnswering: boolean
  readonly isBreakerOpen: boolean
  /** Redis can be had, for the first time or again. */
  onUsable(listener: () => void): void
  /** A connection was lost, or Redis does not answer: it may forget what it was told. */
  onLost(listener: () => void): void
  close(): Promise<void>
}

export interface CommandsObserver {
  stateChanged(isUsable: boolean): void
  /** A short code; never an address or a secret. */
  failed(code: string): void
}

/** Reliability R4: a Redis that hangs must not fill our memory. */
const MAX_IN_FLIGHT = 1_000
/** Commands that wait for one of them to be answered. */
const MAX_IN_LINE = 2_000
const PROBE_MS = 250
const NOT_TO_BE_HAD: Reply = { ok: false, refused: false }

type Callable = (keyCount: number, ...rest: (string | Buffer | number)[]) => Promise<unknown>

export function createCommands(
  settings: RedisSettings,
  clock: Clock,
  observer: CommandsObserver,
): RedisCommands {
  return new GuardedCommands(settings, clock, observer)
}

class GuardedCommands implements RedisCommands {
  readonly #client: RedisClient
  readonly #breaker: Breaker
  readonly #budgetMs: number
  readonly #clock: Clock
  readonly #observer: CommandsObserver
  readonly #defined = new Map<string, Callable>()
  readonly #usable: (() => void)[] = []
  readonly #lost: (() => void)[] = []
  readonly #probe: NodeJS.Timeout
  readonly #line: ((mayGo: boolean) => void)[] = []
  #inFlight = 0
  #isSilent = false
  #wasUsable = false
  #isClosed = false

  constructor(settings: RedisSettings, clock: Clock, observer: CommandsObserver) {
    this.#observer = observer
    this.#budgetMs = settings.commandTimeoutMs
    this.#clock = clock
    this.#breaker = new Breaker(clock)
    this.#client = connect(settings, 'commands', (code) => observer.failed(code))
    this.#client.on('ready', () => this.#arrived())
    for (const event of ['close', '-node', 'node error']) {
      this.#client.on(event, () => this.#gone())
    }
    this.#probe = setInterval(() => void this.#knock(), PROBE_MS * (0.8 + 0.4 * Math.random()))
    this.#probe.unref()
  }

  get isUsable(): boolean {
    return this.#client.status === 'ready' && !this.#breaker.isOpen
  }

  get isAnswering(): boolean {
    return this.isUsable && !this.#isSilent
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  onUsable(listener: () => void): void {
    this.#usable.push(listener)
  }

  onLost(listener: () => void): void {
    this.#lost.push(listener)
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<Reply> {
    const call = this.#defined.get(script.name) ?? this.#define(script)
    return this.#guarded(() => call(keys.length, ...keys, ...args))
  }

  async publish(channel: string, message: Buffer): Promise<Reply> {
    return this.#guarded(() => this.#client.publish(channel, message))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#probe)
    this.#client.disconnect()
  }

  /** ioredis sends the script's hash first, and the script itself where that is not known. */
  #define({ name, lua }: Script): Callable {
    this.#client.defineCommand(name, { lua })
    const method = (this.#client as unknown as Record<string, Callable>)[
      `${name}Buffer`
    ] as Callable
    const call = method.bind(this.#client)
    this.#defined.set(name, call)
    return call
  }

  async #guarded(command: () => Promise<unknown>): Promise<Reply> {
    if (!this.isUsable) return NOT_TO_BE_HAD
    const place = this.#enter()
    if (!(place === true || (await place))) return NOT_TO_BE_HAD
    try {
      if (!this.isUsable) return NOT_TO_BE_HAD
      const value = await within(command(), this.#budgetMs, this.#clock)
      this.#answered()
      return { ok: true, value }
    } catch (error) {
      return this.#failed(error)
    } finally {
      this.#leave()
    }
  }

  /** True: a command may be sent, and its place is to be given back. */
  #enter(): boolean | Promise<boolean> {
    if (this.#inFlight < MAX_IN_FLIGHT) {
      this.#inFlight++
      return true
    }
    if (this.#line.length >= MAX_IN_LINE) return false
    return new Promise((resolve) => void this.#line.push(resolve))
  }

  /** Places are handed on; who comes when Redis is given up goes without. */
  #leave(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#inFlight--
    else next(true)
  }

  #failed(error: unknown): Reply {
    const refused = isRefusal(error)
    this.#observer.failed(codeOf(error))
    const isOurs = error instanceof TooLate && error.isOurs
    // An answer is an answer: what is refused for want of memory is no reason to stay away.
    if (refused) this.#answered()
    else if (!isOurs) this.#isSilent = true
    if (!refused && this.#breaker.failed(isOurs)) this.#gone()
    return { ok: false, refused }
  }

  #answered(): void {
    this.#breaker.succeeded()
    this.#isSilent = false
  }

  #arrived(): void {
    this.#breaker.close()
    this.#isSilent = false
    if (this.#isClosed || !this.isUsable) return
    if (!this.#wasUsable) this.#observer.stateChanged(true)
    this.#wasUsable = true
    for (const listener of this.#usable) listener()
  }

  #gone(): void {
    for (const listener of this.#lost) listener()
    if (this.#wasUsable && !this.isUsable) {
      this.#wasUsable = false
      if (!this.#isClosed) this.#observer.stateChanged(false)
    }
  }

  /** While the breaker is open, a probe that nobody waits for finds out whether Redis answers again. */
  async #knock(): Promise<void> {
    if (!this.#breaker.isOpen || this.#client.status !== 'ready') return
    try {
      await within((this.#client as Redis).ping(), this.#budgetMs, this.#clock)
    } catch (error) {
      // A refusal is an answer: Redis refuses even this while it can't save its data.
      // guard: refused-ping
      if (!isRefusal(error)) return
    }
    if (this.#breaker.isOpen) this.#arrived()
  }
}

function isRefusal(error: unknown): boolean {
  return (error as Error | null)?.name === 'ReplyError'
}

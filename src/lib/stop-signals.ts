/**
 * Signals that ask a process to leave, heard from its first line on. As process 1 of a container it has no default action
 * for them: a signal without a listener is lost, and the container is killed in the end. Imports next to nothing, so that it is
 * there before what is large is loaded.
 *
 * One press of Ctrl+C under `npm run` comes twice, from the terminal and from npm, and must not count as two wishes.
 */
import { isatty } from 'node:tty'
import { systemClock } from './clock.ts'

const LEAVE = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const
/** What ends a process by default and asks for something else: log rotation and reloading among it. */
const IGNORED = ['SIGHUP', 'SIGUSR2'] as const
/** The same signal within this time is the same wish. Milliseconds. */
const SAME_WISH_MS = 1_000

export interface StopActions {
  /** The first wish to leave. `SIGHUP`: the terminal is gone. */
  readonly leave: (signal: NodeJS.Signals) => void
  /** A second one, while the process is leaving. */
  readonly leaveNow: () => void
  readonly ignored: (signal: NodeJS.Signals) => void
}

export interface StopSignalsOptions {
  readonly source: { on(signal: NodeJS.Signals, listener: () => void): unknown }
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Whether standard output is a terminal that is still there. */
  readonly hasTerminal: () => boolean
  /** Until others are given to `handle`. */
  readonly actions: StopActions
}

export class StopSignals {
  readonly #options: StopSignalsOptions
  readonly #hadTerminal: boolean
  #actions: StopActions
  #askedAt: number | null = null

  constructor(options: StopSignalsOptions) {
    const { source, hasTerminal, actions } = options
    this.#options = options
    this.#actions = actions
    this.#hadTerminal = hasTerminal()
    for (const signal of LEAVE) source.on(signal, () => this.#leave(signal))
    for (const signal of IGNORED) source.on(signal, () => this.#ignore(signal))
  }

  handle(actions: StopActions): void {
    this.#actions = actions
  }

  #leave(signal: NodeJS.Signals): void {
    const now = this.#options.now()
    if (this.#askedAt === null) {
      this.#askedAt = now
      this.#actions.leave(signal)
    } else if (now - this.#askedAt >= SAME_WISH_MS) this.#actions.leaveNow()
  }

  #ignore(signal: NodeJS.Signals): void {
    // A terminal that closes says so by the same signal, and leaves no terminal that could end the process.
    const isHungUp = signal === 'SIGHUP' && this.#hadTerminal && !this.#options.hasTerminal()
    if (isHungUp) this.#leave(signal)
    else this.#actions.ignored(signal)
  }
}

/** Those of this process. */
export function hearSignals(actions: StopActions): StopSignals {
  return new StopSignals({
    source: process,
    now: () => systemClock.monotonic(),
    hasTerminal: () => isatty(1),
    actions,
  })
}

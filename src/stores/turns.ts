/**
 * One fill per cluster: whoever asks the upstream takes a turn in Redis first, and the others wait for it to
 * land. A turn is short and renewed while the fill lasts, so that it dies with its holder; who waits tries to
 * take it from time to time, and so finds out; also when the bus is not heard.
 */
import { randomBytes } from 'node:crypto'
import type { Turn } from '../cache/ports.ts'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { END_TURN, TAKE_TURN } from './redis-scripts.ts'

const TURN_MS = 1_000
const RENEW_MS = 300

export interface TurnsOptions {
  readonly commands: RedisCommands
  readonly keys: RedisKeys
  readonly bus: Pick<Bus, 'publish'>
}

/** Nobody else is told, and nobody is waited for. */
const ALONE: Turn = { isOurs: true, landed: Promise.resolve(), end: () => {} }

export class Turns {
  readonly #options: TurnsOptions
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  async take(tenant: string, key: string): Promise<Turn> {
    const { commands, keys } = this.#options
    if (!commands.isUsable) return ALONE
    const name = keys.turn(tenant, key)
    const who = randomBytes(9).toString('base64url')
    // Before asking: the end of the turn may be told before the reply is here.
    const wait = this.#expect(name)
    const isOurs = await this.#try(name, who)
    if (isOurs !== false) {
      wait.cancel()
      return isOurs === null ? ALONE : this.#held(name, who)
    }
    return { isOurs: false, landed: this.#await(name, wait), end: () => {} }
  }

  /** Turns that other instances have ended. */
  ended(names: readonly string[]): void {
    for (const name of names) for (const wake of this.#waiting.get(name) ?? []) wake()
  }

  /** True: ours. False: another's. Null: Redis can't say. */
  async #try(name: string, who: string): Promise<boolean | null> {
    const reply = await this.#options.commands.run(TAKE_TURN, [name], [who, TURN_MS])
    return reply.ok ? reply.value === 1 : null
  }

  #held(name: string, who: string): Turn {
    const { commands, bus } = this.#options
    const renewal = setInterval(() => void this.#try(name, who), RENEW_MS)
    renewal.unref()
    const end = (): void => {
      clearInterval(renewal)
      void commands.run(END_TURN, [name], [who])
      void bus.publish({ landed: [name] })
    }
    return { isOurs: true, landed: Promise.resolve(), end }
  }

  /** Until the turn has ended, one way or another. */
  async #await(
    name: string,
    wait: { readonly woken: Promise<void>; cancel(): void },
  ): Promise<void> {
    const who = randomBytes(9).toString('base64url')
    let isOver = false
    const woken = wait.woken.then(() => {
      isOver = true
    })
    while (!isOver) {
      await Promise.race([woken, pause(RENEW_MS)])
      if (isOver) break
      // Only asked whether it is free: who waited here fills for itself, and holds up nobody.
      const isFree = await this.#try(name, who)
      if (isFree === false) continue
      if (isFree === true) void this.#options.commands.run(END_TURN, [name], [who])
      break
    }
    wait.cancel()
  }

  #expect(name: string): { readonly woken: Promise<void>; cancel(): void } {
    let wake = (): void => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const waiting = this.#waiting.get(name) ?? new Set()
    this.#waiting.set(name, waiting.add(wake))
    const cancel = (): void => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name)
    }
    return { woken, cancel }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}

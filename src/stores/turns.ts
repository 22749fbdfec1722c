/**
 * One fill per cluster: whoever asks the upstream takes a turn in Redis first, and the others wait for it to
 * land. A turn is short and renewed while the fill lasts, so that it dies with its holder; who waits tries to
 * take it from time to time, and so finds out; also when the bus is not heard.
 *
 * Of those who wait for a turn that has died, one takes it over, and the others wait for that one. A holder that
 * had no time to renew is then one of two that ask, and never one of many.
 */
import { randomBytes } from 'node:crypto'
import type { Key } from '../cache/key.ts'
import type { Turn } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus } from './bus.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { END_TURNS, TAKE_TURNS } from './redis-scripts.ts'

/** Above what a burst of a thousand requests keeps an instance from renewing. */
export const TURN_MS = 2_000
/** Turns are renewed, and tried, all at once. */
const LOOK_MS = 300
/** Looks in a row that Redis may leave unanswered before nobody waits any longer. */
const MAX_MISSED = 2
/** Names in one command: Redis does nothing else meanwhile. */
const MAX_NAMES = 200

export interface TurnsOptions {
  readonly commands: RedisCommands
  readonly keys: RedisKeys
  readonly clock: Clock
  readonly bus: Pick<Bus, 'publish'>
  /** Longest wait for another's turn; who has waited so long asks for himself. Milliseconds. */
  readonly maxWaitMs: number
}

/** A turn that is about to be asked for, or that is another's. */
export interface AskedTurn {
  readonly name: string
  /** Names of one slot go into one command. */
  readonly tenant: string
  readonly who: string
}

interface Waiter extends AskedTurn {
  readonly landed: Promise<Turn | null>
  readonly settle: (turn: Turn | null) => void
  /** When it was asked for, in monotonic milliseconds. */
  readonly since: number
  /** Redis has said that the turn is another's. */
  isAnswered: boolean
  missed: number
}

/** Nobody else is told, and nobody is waited for. */
const ALONE: Turn = { isOurs: true, landed: Promise.resolve(null), end: () => {} }

export class Turns {
  readonly #options: TurnsOptions
  readonly #process = randomBytes(9).toString('base64url')
  /** By who; the same name may be held twice when one has run out. */
  readonly #held = new Map<string, AskedTurn>()
  readonly #waiting = new Map<string, Map<string, Waiter>>()
  #ended: AskedTurn[] = []
  #asked = 0
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  async take(tenant: string, key: Key): Promise<Turn> {
    const { commands, clock } = this.#options
    if (!commands.isAnswering) return ALONE
    const asked = this.ask(tenant, key)
    let from = clock.monotonic()
    let [isOurs = null] = await this.#try([asked])
    // What has run out before this process had the time to hear of it may be another's by now.
    while (isOurs === true && clock.monotonic() - from >= TURN_MS) {
      from = clock.monotonic()
      ;[isOurs = null] = await this.#try([asked])
    }
    return this.answered(asked, isOurs)
  }

  /** To be called before Redis is asked: the end of the turn may be told before the reply is here. */
  ask(tenant: string, key: Key): AskedTurn {
    const name = this.#options.keys.turn(tenant, key)
    const asked = { name, tenant, who: `${this.#process}.${++this.#asked}` }
    this.#expect(asked)
    return asked
  }

  /**
   * What Redis has said to the question. True: ours. False: another's. Null: it has not said, and may yet give it
   * to us; so it is treated as ours, which harms nobody if it is another's.
   */
  answered(asked: AskedTurn, isOurs: boolean | null): Turn {
    const waiter = this.#waiting.get(asked.name)?.get(asked.who)
    if (isOurs === false) {
      // Not there any more: the turn has ended in between.
      const landed = waiter?.landed ?? Promise.resolve(null)
      if (waiter !== undefined) {
        waiter.isAnswered = true
        this.#watch()
      }
      return { isOurs, landed, end: () => this.cancel(asked) }
    }
    this.cancel(asked)
    return this.#hold(asked)
  }

  /** Redis was not asked after all, or nobody waits any longer. */
  cancel({ name, who }: AskedTurn): void {
    const waiters = this.#waiting.get(name)
    waiters?.get(who)?.settle(null)
    waiters?.delete(who)
    if (waiters?.size === 0) this.#waiting.delete(name)
  }

  /** Turns that have ended, here or elsewhere. */
  ended(names: readonly string[]): void {
    for (const name of names) {
      for (const waiter of [...(this.#waiting.get(name)?.values() ?? [])]) this.cancel(waiter)
    }
  }

  #expect(asked: AskedTurn): void {
    let settle = (_turn: Turn | null): void => {}
    const landed = new Promise<Turn | null>((resolve) => {
      settle = resolve
    })
    const waiters = this.#waiting.get(asked.name) ?? new Map<string, Waiter>()
    const since = this.#options.clock.monotonic()
    const waiter = { ...asked, landed, settle, since, isAnswered: false, missed: 0 }
    this.#waiting.set(asked.name, waiters.set(asked.who, waiter))
  }

  #hold(asked: AskedTurn): Turn {
    this.#held.set(asked.who, asked)
    this.#watch()
    return { isOurs: true, landed: Promise.resolve(null), end: () => this.#end(asked) }
  }

  /** All that end in one turn of the event loop are told of together. */
  #end(asked: AskedTurn): void {
    this.#held.delete(asked.who)
    if (this.#ended.push(asked) === 1) setImmediate(() => this.#tellEnded())
    // The bus brings nobody what he has said himself.
    this.ended([asked.name])
  }

  #tellEnded(): void {
    const { commands, bus } = this.#options
    for (const group of grouped(this.#ended)) {
      const names = group.map(({ name }) => name)
      void commands.run(
        END_TURNS,
        names,
        group.map(({ who }) => who),
      )
      // Not repeated: who waits looks for himself every 300 ms.
      void bus.publish({ landed: names })
    }
    this.#ended = []
  }

  #watch(): void {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  /** Renews what is ours, and tries to take what is another's. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    const waiters = [...this.#waiting.values()].flatMap((each) => [...each.values()])
    const all = [...this.#held.values(), ...waiters.filter(({ isAnswered }) => isAnswered)]
    if (all.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    this.#isLooking = true
    await Promise.all(
      grouped(all).map(async (group) => {
        const answers = await this.#try(group)
        for (const [i, asked] of group.entries()) this.#told(asked, answers[i] ?? null)
      }),
    )
    this.#isLooking = false
  }

  #told(asked: AskedTurn, isOurs: boolean | null): void {
    if (this.#held.has(asked.who)) {
      // It had run out, and another has it now.
      if (isOurs === false) this.#held.delete(asked.who)
      return
    }
    const waiter = this.#waiting.get(asked.name)?.get(asked.who)
    if (waiter === undefined) {
      // It ended, here or for all, while Redis was being asked.
      if (isOurs !== false) void this.#options.commands.run(END_TURNS, [asked.name], [asked.who])
    } else if (isOurs === true) {
      waiter.settle(this.#hold(asked))
      this.cancel(asked)
    } else if (this.#isTooLong(waiter, isOurs)) this.cancel(asked)
  }

  /** Whoever can write to Redis can hold a turn for ever. */
  #isTooLong(waiter: Waiter, isOurs: false | null): boolean {
    waiter.missed = isOurs === false ? 0 : waiter.missed + 1
    const { clock, maxWaitMs } = this.#options
    // guard: fill-lock-wait
    return waiter.missed >= MAX_MISSED || clock.monotonic() - waiter.since >= maxWaitMs
  }

  /** All of one tenant. */
  async #try(turns: readonly AskedTurn[]): Promise<readonly (boolean | null)[]> {
    const reply = await this.#options.commands.run(
      TAKE_TURNS,
      turns.map(({ name }) => name),
      [TURN_MS, ...turns.map(({ who }) => who)],
    )
    if (!reply.ok || !Array.isArray(reply.value)) return turns.map(() => null)
    return reply.value.map((each) => each === 1)
  }
}

/** By tenant, whose names are in one slot, and into commands of a sane length. */
function grouped(turns: readonly AskedTurn[]): AskedTurn[][] {
  const open = new Map<string, AskedTurn[]>()
  const groups: AskedTurn[][] = []
  for (const turn of turns) {
    const group = open.get(turn.tenant)
    if (group !== undefined && group.length < MAX_NAMES) group.push(turn)
    else {
      const next = [turn]
      open.set(turn.tenant, next)
      groups.push(next)
    }
  }
  return groups
}

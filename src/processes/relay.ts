/**
 * The primary's part in keeping its workers' fences alike (`stores/process-fences.ts`): passes on what one
 * tells, and says when all others have heard it, or can do no harm.
 *
 * A worker that does not answer does no harm once its lease is over. The lease runs from the sending of its
 * last probe that was echoed, so it is over `LEASE_MS` after that probe came in, at the latest; an echo that
 * follows the news comes after it on the same channel, and lengthens nothing that is waited for.
 */
import type { Clock } from '../lib/clock.ts'
import { LEASE_MS } from '../stores/lease.ts'
import { EVERYTHING } from '../stores/pending-writes.ts'
import type { News } from '../stores/siblings.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

/** Above the time in which a worker has looked at its lease and made up its mind. Milliseconds. */
const MARGIN_MS = 50
/** How often those who wait are looked after. */
export const TICK_MS = 50
/**
 * Ticks without a probe after which a worker is given up. Ticks, not time: a primary that was stopped itself
 * must not take that for the silence of all.
 */
const SILENT_TICKS = 200

/** Writes of open outcome that are told apart. */
const MAX_PENDING = 20_000
/** No write has this id. */
const CROWD = '*'

interface Member {
  readonly send: (message: ToWorker) => void
  /** From then on it serves nothing that it has not been told of. */
  harmlessFrom: number
  silentTicks: number
}

/** News that somebody waits for. */
interface Open {
  readonly teller: number
  /** The teller's own count. */
  readonly n: number
  /** Who has not heard it, and from when on that does not matter. */
  readonly deaf: Map<number, number>
}

/** A write whose outcome is open: a worker that starts in the middle must know of it. */
interface Pending {
  readonly names: readonly string[]
  readonly until: number
}

export interface RelayOptions {
  readonly clock: Clock
  /** Runs `then` once all that the workers had sent by now has been received. */
  readonly afterReading: (then: () => void) => void
  /** The worker hangs. */
  readonly onSilent: (id: number) => void
}

export class Relay {
  readonly #options: RelayOptions
  readonly #members = new Map<number, Member>()
  readonly #open = new Map<number, Open>()
  readonly #pending = new Map<string, Pending>()
  #count = 0

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Before the worker is told to start: what it fills must know of every write under way. */
  join(id: number, send: (message: ToWorker) => void): void {
    this.#members.set(id, { send, harmlessFrom: Number.NEGATIVE_INFINITY, silentTicks: 0 })
    const now = this.#options.clock.monotonic()
    for (const [write, { names, until }] of this.#pending) {
      if (until <= now) continue
      const news: News = { kind: 'begun', id: write, names, lifetimeMs: until - now + MARGIN_MS }
      send({ kind: 'news', n: ++this.#count, news })
    }
  }

  /** The worker's process is gone. */
  leave(id: number): void {
    this.#members.delete(id)
    for (const [n, open] of this.#open) {
      if (open.teller === id) this.#open.delete(n)
      else this.#heard(id, n)
    }
  }

  receive(id: number, message: ToPrimary): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    if (message.kind === 'probe') this.#probed(member, message.sentAt)
    else if (message.kind === 'tell') this.#pass(id, message.n, message.news)
    else if (message.kind === 'heard') this.#heard(id, message.n)
  }

  /** To be called every `TICK_MS`. */
  tick(): void {
    const now = this.#options.clock.monotonic()
    for (const [n, { deaf }] of this.#open) {
      for (const [id, until] of deaf) if (now >= until) this.#heard(id, n)
    }
    for (const [id, { until }] of this.#pending) if (now >= until) this.#pending.delete(id)
    for (const [id, member] of this.#members) {
      if (++member.silentTicks === SILENT_TICKS) this.#options.onSilent(id)
    }
  }

  /**
   * The echo waits for all that was sent before the probe came in. A teller that hears nothing of a primary
   * that hangs goes on after a while, on the strength of everybody's lease being over; so:
   *
   * 1. The primary is stopped. A tells of a change, waits in vain, and answers its client. B probes.
   * 2. The primary goes on, and finds B's probe before A's news.
   * 3. Echoed at once, the probe would put B in touch again before it has the news.
   */
  #probed(member: Member, sentAt: number): void {
    member.silentTicks = 0
    member.harmlessFrom = this.#options.clock.monotonic() + LEASE_MS + MARGIN_MS
    this.#options.afterReading(() => member.send({ kind: 'echo', sentAt }))
  }

  #pass(teller: number, n: number, news: News): void {
    const now = this.#options.clock.monotonic()
    this.#note(news, now)
    const deaf = new Map<number, number>()
    const number = ++this.#count
    const others = [...this.#members].filter(([id]) => id !== teller)
    for (const [id, { harmlessFrom }] of others) if (harmlessFrom > now) deaf.set(id, harmlessFrom)
    this.#open.set(number, { teller, n, deaf })
    for (const [, { send }] of others) send({ kind: 'news', n: number, news })
    this.#finish(number)
  }

  #heard(id: number, n: number): void {
    if (this.#open.get(n)?.deaf.delete(id)) this.#finish(n)
  }

  #finish(number: number): void {
    const open = this.#open.get(number)
    if (open === undefined || open.deaf.size > 0) return
    this.#open.delete(number)
    this.#members.get(open.teller)?.send({ kind: 'done', n: open.n })
  }

  /** Of too many they are no longer told apart: whoever starts then stores nothing until the last of them is over. */
  #keep(write: string, pending: Pending): void {
    if (this.#pending.has(write) || this.#pending.size < MAX_PENDING) {
      this.#pending.set(write, pending)
      return
    }
    const until = Math.max(pending.until, this.#pending.get(CROWD)?.until ?? 0)
    this.#pending.set(CROWD, { names: [EVERYTHING], until })
  }

  #note(news: News, now: number): void {
    if (news.kind === 'begun') {
      this.#keep(news.id, { names: news.names, until: now + news.lifetimeMs })
    } else if (news.kind === 'settled') {
      if (news.holdMs > 0) this.#keep(news.id, { names: news.names, until: now + news.holdMs })
      else this.#pending.delete(news.id)
    } else if (news.kind === 'restored') this.#pending.delete(news.id)
  }
}

/**
 * A worker's part: its way to the others, which leads through the primary. Knows when it is in touch with
 * them, and waits for them to have heard what it tells.
 */
import type { Clock } from '../lib/clock.ts'
import { Lease } from '../stores/lease.ts'
import type { News, Siblings } from '../stores/siblings.ts'
import type { ToPrimary, ToWorker } from './messages.ts'

export const PROBE_MS = 250
/**
 * A primary that hangs answers no probe, so all leases are over a second after it last did. Who has told it
 * something, and heard nothing for so long, may go on: nobody serves what that has ended, nor will anybody
 * who has not been told (`relay.ts`, "The echo waits"). Milliseconds from when the message was written.
 */
const GIVE_UP_MS = 2_500

interface Wait {
  readonly done: () => void
  /** When the message had left this process; null: it has not yet. */
  leftAt: number | null
}

export interface LinkOptions {
  readonly clock: Clock
  /** `written`: the message has left this process. */
  readonly send: (message: ToPrimary, written: () => void) => void
}

export class PrimaryLink implements Siblings {
  readonly #options: LinkOptions
  readonly #lease: Lease
  readonly #waits = new Map<number, Wait>()
  #hear: (news: News) => void = () => {}
  #count = 0

  constructor(options: LinkOptions) {
    this.#options = options
    this.#lease = new Lease(options.clock)
  }

  isInTouch(): boolean {
    return this.#lease.isLive()
  }

  onNews(hear: (news: News) => void): void {
    this.#hear = hear
  }

  tell(news: News): Promise<void> {
    const n = ++this.#count
    return new Promise((done) => {
      const wait: Wait = { done, leftAt: null }
      this.#waits.set(n, wait)
      this.#options.send({ kind: 'tell', n, news }, () => {
        wait.leftAt = this.#options.clock.monotonic()
      })
    })
  }

  receive(message: ToWorker): void {
    if (message.kind === 'echo') this.#lease.renew(message.sentAt)
    else if (message.kind === 'done') this.#end(message.n)
    else if (message.kind === 'news') {
      this.#hear(message.news)
      this.#options.send({ kind: 'heard', n: message.n }, () => {})
    }
  }

  /** To be called every `PROBE_MS`. */
  tick(): void {
    const now = this.#options.clock.monotonic()
    for (const [n, { leftAt }] of this.#waits) {
      if (leftAt !== null && now - leftAt >= GIVE_UP_MS) this.#end(n)
    }
    this.#options.send({ kind: 'probe', sentAt: now }, () => {})
  }

  #end(n: number): void {
    this.#waits.get(n)?.done()
    this.#waits.delete(n)
  }
}

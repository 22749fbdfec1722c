/**
 * Which instances have applied what they were told. The question goes by the bus like everything else, after
 * what it asks about, and the answers come back by it:
 *
 * 1. A changes a fence in Redis, publishes "forget it" under number n, and then the call under n + 1.
 * 2. B hears n, and forgets the fence; hears n + 1, and answers. What B serves from then on is judged by
 *    the new value.
 * 3. If n was lost, or comes after n + 1, B sees that a number is missing: its lease ends before it answers,
 *    and what it knew of fences is not believed any more. The answer is as true as in step 2.
 */
import type { Roll, RollCall } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus, BusMessage } from './bus.ts'
import { newValue } from './fence-value.ts'

/** How long answers are waited for. Above the bound on the bus (reliability C2). */
const DEADLINE_MS = 500
/** Who was not heard for so long is not waited for: an instance is heard four times a second. */
const GONE_MS = 2_000
/** Instances that are kept track of. */
const MAX_KNOWN = 1_000

interface OpenCall {
  readonly answered: Set<string>
  /** Known instances whose answer is missing. */
  readonly missing: Set<string>
  readonly end: () => void
}

export class BusRollCall implements RollCall {
  readonly #clock: Clock
  readonly #bus: Pick<Bus, 'publish'>
  /** Instance → when it was last heard. */
  readonly #heardAt = new Map<string, number>()
  readonly #calls = new Map<string, OpenCall>()

  constructor({ clock, bus }: { readonly clock: Clock; readonly bus: Pick<Bus, 'publish'> }) {
    this.#clock = clock
    this.#bus = bus
  }

  /** Another instance was heard, whatever it said. */
  heard(instance: string): void {
    this.#heardAt.delete(instance)
    if (this.#heardAt.size >= MAX_KNOWN) this.#heardAt.clear()
    this.#heardAt.set(instance, this.#clock.monotonic())
  }

  /** To be called after the rest of the message was applied. */
  received({ call, present }: BusMessage, instance: string): void {
    // Not repeated: who asks says how many have answered, and one whose answer is lost counts as one that has not.
    if (call !== undefined) void this.#bus.publish({ present: call })
    const open = present === undefined ? undefined : this.#calls.get(present)
    if (open === undefined) return
    open.answered.add(instance)
    open.missing.delete(instance)
    if (open.missing.size === 0) open.end()
  }

  async call(): Promise<Roll> {
    const others = this.#others()
    const name = newValue()
    const answered = new Set<string>()
    const isOver = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DEADLINE_MS)
      const end = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#calls.set(name, { answered, missing: new Set(others), end })
      if (others.length === 0) end()
      // Not taken: nobody will answer.
      void this.#bus.publish({ call: name }).then((isTaken) => (isTaken ? undefined : end()))
    })
    await isOver
    this.#calls.delete(name)
    // Who has only just come is counted if it answered in time.
    const known = new Set([...others, ...answered]).size
    return { acked: answered.size + 1, known: known + 1 }
  }

  #others(): string[] {
    const now = this.#clock.monotonic()
    return [...this.#heardAt].filter(([, at]) => now - at < GONE_MS).map(([instance]) => instance)
  }
}

/**
 * Brings invalidations to Redis and to the other instances, however long it takes. What Redis or the bus has not taken
 * is pending: nobody uses what lies under it, and it is tried again until both have it.
 *
 * 1. A change is not taken. The fence is marked here, and the others are told to mark it (`block`).
 * 2. Should they not hear that, the state that goes out with every probe tells them that they have missed something.
 * 3. When Redis takes the change, they are told that it was made (`forget`, `unblock`), until the bus has taken that.
 * 4. When this instance ends before that, each of those who have heard of it makes the change.
 */
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus, BusMessage } from './bus.ts'
import type { FenceTable } from './fence-table.ts'
import type { OwedChanges, PendingState } from './owed-changes.ts'
import { PeerInvalidations } from './peer-invalidations.ts'
import type { RedisCommands } from './redis-commands.ts'

/** The mark of what is pending here. */
const BLOCKED = 'blocked'
const RETRY_MS = 250
/** Changes in one go: Redis does nothing else meanwhile. */
const MAX_AT_ONCE = 500

export interface InvalidationDeliveryOptions {
  readonly clock: Clock
  readonly table: FenceTable
  readonly commands: Pick<RedisCommands, 'isUsable'>
  readonly bus: Pick<Bus, 'publish' | 'id'>
  readonly owed: OwedChanges
  /** Changes fences in Redis. */
  readonly change: (names: readonly Key[]) => Promise<'yes' | 'refused' | 'lost'>
  /** Longest life of what Redis may hold under a fence that could not be changed. Milliseconds. */
  readonly recordLifetimeMs: number
}

export class InvalidationDelivery {
  readonly #options: InvalidationDeliveryOptions
  readonly #peers: PeerInvalidations
  readonly #timer: NodeJS.Timeout
  #retrying: Promise<void> | null = null
  #isAnnouncing = false

  constructor(options: InvalidationDeliveryOptions) {
    this.#options = options
    // Asked for again with the next probe, as long as the answer has not come.
    const ask = (instance: string): void => void options.bus.publish({ resend: instance })
    this.#peers = new PeerInvalidations({ ...options, ask })
    this.#timer = setInterval(() => void this.retry(), RETRY_MS)
    this.#timer.unref()
  }

  /** Redis has not taken a change. Resolves when the others were told, or could not be: then they ask. */
  async notTaken(names: readonly Key[]): Promise<void> {
    const { owed, bus } = this.#options
    this.#block(names)
    owed.owe(names)
    await bus.publish({ block: names })
  }

  /** Another instance was heard, with this message or a probe. */
  heard(instance: string, state: PendingState, message: BusMessage): void {
    this.#peers.heard(instance, state, message)
    if (message.resend === this.#options.bus.id) this.#announceSoon()
  }

  lost(): void {
    this.#options.owed.lost()
  }

  /**
   * Redis is to be had again. What was published over the connection before may be lost, so all is published first: what
   * comes then may end this connection as well. And it may have lost what it had taken of late.
   */
  regained(): void {
    const { owed, bus } = this.#options
    if (owed.size > 0) void bus.publish({ block: owed.names(), isAll: true })
    this.#block(owed.repeat())
  }

  /** Makes the changes that Redis has not taken so far. Resolves when what can be made now is made. */
  async retry(): Promise<void> {
    const { owed, commands } = this.#options
    this.#peers.takeOver((names) => {
      this.#block(names)
      owed.owe(names)
    })
    if (owed.size === 0 || !commands.isUsable) return
    this.#retrying ??= this.#deliverAll().finally(() => {
      this.#retrying = null
    })
    await this.#retrying
  }

  /** Changes that this instance has pending. */
  get size(): number {
    return this.#options.owed.size
  }

  /** Those of the others that it has heard of. */
  get heardSize(): number {
    return this.#peers.size
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #deliverAll(): Promise<void> {
    const due = [...this.#options.owed.due()]
    for (let i = 0; i < due.length; i += MAX_AT_ONCE) {
      if (!(await this.#deliver(new Map(due.slice(i, i + MAX_AT_ONCE))))) return
    }
  }

  /** False: not all of it could be told. */
  async #deliver(due: ReadonlyMap<Key, number>): Promise<boolean> {
    const { owed, bus, table, change } = this.#options
    if ((await change([...due.keys()])) !== 'yes') return false
    const settled = owed.settle(due)
    // Who has not heard of the change believes the old value, for as long as the bus goes on.
    const isPublished = await bus.publish({ forget: [...due.keys()], unblock: settled })
    if (isPublished) table.unmark(owed.withoutPending(settled), BLOCKED)
    else owed.owe(settled)
    return isPublished
  }

  #block(names: readonly Key[]): void {
    const { table, recordLifetimeMs } = this.#options
    if (names.length > 0) table.mark(names, BLOCKED, recordLifetimeMs)
  }

  /** Several may ask at once. */
  #announceSoon(): void {
    if (this.#isAnnouncing) return
    this.#isAnnouncing = true
    setImmediate(() => {
      this.#isAnnouncing = false
      const { owed, bus } = this.#options
      void bus.publish({ block: owed.names(), isAll: true })
    })
  }
}

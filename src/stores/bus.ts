/**
 * How instances hear of one another: Redis pub/sub on a connection of its own, every message sealed.
 *
 * A channel that lost a message looks like one that had none to carry. So each instance numbers what it
 * publishes, its probes included, and a number that is missing ends the lease; so does every break of the
 * connection, and a probe that does not come back.
 */
import { randomBytes } from 'node:crypto'
import { openBytes, sealBytes } from '../cache/frame.ts'
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { Lease } from './lease.ts'
import type { PendingState } from './owed-changes.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisClient } from './redis-connection.ts'

const PROBE_MS = 250
/** A connection on which no probe has come back for so long is given up. */
const DEAF_MS = 2_000
/** Instances whose numbers are kept track of. */
const MAX_SENDERS = 1_000
const NONE_PENDING: PendingState = [0, 0]

/** What one instance tells the others. Lists of names may be long. */
export interface BusMessage {
  /** Fences that have changed in Redis. */
  readonly forget?: readonly Key[]
  /** Fences that should have changed, and could not be: what Redis holds under them is not to be used. */
  readonly block?: readonly Key[]
  /** Fences of `block` that have been changed by now. */
  readonly unblock?: readonly Key[]
  /** `block` is all that the sender has pending. */
  readonly isAll?: boolean
  /** The id of an instance that is to publish all that it has pending. */
  readonly resend?: string
  /** Representations that were overtaken by other bytes. */
  readonly superseded?: readonly Key[]
  /** Grants that the upstream has ended. */
  readonly withdrawn?: readonly Key[]
  /** Credentials whose version pin has changed, and to what; null: to one that is not known. */
  readonly pins?: readonly (readonly [partition: string, version: string | null])[]
  /** Turns that are over: whoever waited may look into Redis. */
  readonly landed?: readonly string[]
  /** A tenant whose cache was switched off, or on. */
  readonly switched?: readonly [tenant: string, isOff: boolean]
  /** Whoever has applied all that came before is to say so, under this name. */
  readonly call?: string
  /** The name of a call, answered. */
  readonly present?: string
}

/** What an instance says of itself with everything that it publishes. */
export interface PeerState {
  /** Its pending invalidations. */
  readonly pending: PendingState
  /** The epoch that it is of; null: it knows none. */
  readonly epoch: string | null
}

interface Envelope extends Partial<PeerState> {
  readonly sender: string
  readonly number: number
  /** A probe: the sender's monotonic time, and which of its connections it listened on. */
  readonly probe?: { readonly sentAt: number; readonly connection: number }
  readonly message?: BusMessage
}

export interface BusOptions {
  readonly subscriber: RedisClient
  readonly commands: RedisCommands
  readonly channel: string
  readonly lease: Lease
  readonly clock: Clock
  /** The first seals; all of them open. */
  readonly keys: readonly Buffer[]
  /** A message of another instance. */
  readonly onMessage: (message: BusMessage, sender: string) => void
  /** Another instance was heard, be it by its probe; after `onMessage`. */
  readonly onHeard: (sender: string, state: PeerState, message: BusMessage) => void
  /** Of this instance; it goes out with everything. */
  readonly state: () => PeerState
  /** Whether Redis takes what is published: false may mean that it is out of reach. */
  readonly onProbe: (isTaken: boolean) => void
  /** The bus is back after so many milliseconds. */
  readonly onGap: (milliseconds: number) => void
  /** Other instances are heard, or no longer. */
  readonly onChange: (isHeard: boolean) => void
}

export class Bus {
  readonly #options: BusOptions
  readonly #id = randomBytes(12).toString('base64url')
  readonly #numbers = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #sent = 0
  /** Counts connections of the subscriber; a probe counts only on the one it was sent for. */
  #connection = 0
  #isSubscribed = false
  /** Whether the lease was live when it was last looked at. */
  #wasLive = false
  #heardAt: number

  constructor(options: BusOptions) {
    this.#options = options
    this.#heardAt = options.clock.monotonic()
    const { subscriber } = options
    // Listening before subscribing: nothing that is published in between goes unheard.
    subscriber.on('messageBuffer', (_channel: Buffer, bytes: Buffer) => this.#hear(bytes))
    subscriber.on('ready', () => void this.#subscribe())
    subscriber.on('close', () => this.#lose())
    if (subscriber.status === 'ready') void this.#subscribe()
    this.#timer = setInterval(() => {
      this.#look()
      void this.#probe()
    }, PROBE_MS)
    this.#timer.unref()
  }

  get id(): string {
    return this.#id
  }

  /** Tells the others. Resolves when Redis has taken it; false: it has not, as far as we know. */
  async publish(message: BusMessage): Promise<boolean> {
    return this.#send({ message })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#lose()
    this.#options.subscriber.disconnect()
  }

  async #subscribe(): Promise<void> {
    this.#lose()
    const connection = this.#connection
    try {
      await this.#options.subscriber.subscribe(this.#options.channel)
    } catch {
      // The connection broke again, or may not subscribe: without a lease memory is used with care.
      return
    }
    if (connection !== this.#connection) return
    this.#isSubscribed = true
    this.#heardAt = this.#options.clock.monotonic()
    await this.#probe()
  }

  #lose(): void {
    this.#connection++
    this.#isSubscribed = false
    this.#numbers.clear()
    this.#options.lease.break()
  }

  /** Only to tell of it: whether there is a lease is judged at each use. */
  #look(): void {
    const isLive = this.#options.lease.isLive()
    if (isLive === this.#wasLive) return
    this.#wasLive = isLive
    this.#options.onChange(isLive)
  }

  async #probe(): Promise<void> {
    const { clock, onProbe, subscriber } = this.#options
    const sentAt = clock.monotonic()
    onProbe(await this.#send({ probe: { sentAt, connection: this.#connection } }))
    if (this.#isSubscribed && clock.monotonic() - this.#heardAt > DEAF_MS) {
      this.#lose()
      subscriber.disconnect(true)
    }
  }

  async #send(content: Pick<Envelope, 'probe' | 'message'>): Promise<boolean> {
    const { keys, channel, commands } = this.#options
    const state = this.#options.state()
    const envelope: Envelope = { sender: this.#id, number: ++this.#sent, ...state, ...content }
    const plain = Buffer.from(JSON.stringify(envelope))
    const sealed = sealBytes(plain, keys[0] as Buffer, channel)
    return (await commands.publish(channel, sealed)).ok
  }

  #hear(bytes: Buffer): void {
    const envelope = this.#open(bytes)
    if (envelope === null) return
    this.#count(envelope)
    const { sender, probe, message, pending = NONE_PENDING, epoch = null } = envelope
    if (sender !== this.#id) {
      if (message !== undefined) this.#options.onMessage(message, sender)
      this.#options.onHeard(sender, { pending, epoch }, message ?? {})
    } else if (probe !== undefined && probe.connection === this.#connection) {
      this.#heardAt = this.#options.clock.monotonic()
      const gap = this.#options.lease.renew(probe.sentAt)
      if (gap > 0) this.#options.onGap(gap)
    }
  }

  #open(bytes: Buffer): Envelope | null {
    for (const key of this.#options.keys) {
      const plain = openBytes(bytes, key, this.#options.channel)
      if (plain !== null) return JSON.parse(plain.toString()) as Envelope
    }
    return null
  }

  #count({ sender, number }: Envelope): void {
    const last = this.#numbers.get(sender)
    if (last !== undefined && number !== last + 1) this.#options.lease.break()
    if (last === undefined && this.#numbers.size >= MAX_SENDERS) this.#numbers.clear()
    this.#numbers.set(sender, number)
  }
}

/**
 * How instances hear of one another: Redis pub/sub on a connection of its own, every message sealed.
 *
 * A channel that lost a message looks like one that had none to carry. So each instance numbers what it
 * publishes, its probes included, and a number that is missing ends the lease; so does every break of the
 * connection, and a probe that does not come back.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import {
  type BusMessage,
  type Envelope,
  openEnvelope,
  type PeerState,
  sealEnvelope,
} from './bus-envelope.ts'
import type { Lease } from './lease.ts'
import type { PendingState } from './owed-changes.ts'
import { CLOCK_ERROR_MS } from './record-frames.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisClient } from './redis-connection.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { TierTrust } from './tier-trust.ts'

export type { BusMessage, PeerState } from './bus-envelope.ts'

const PROBE_MS = 250
/** A connection on which no probe has come back for so long is given up. */
const DEAF_MS = 2_000
/** Instances whose numbers are kept track of. */
const MAX_SENDERS = 1_000
/** On its way a message grows older: two clocks may differ by all of what a clock may be wrong by. Milliseconds. */
const TRANSIT_MS = 60_000
const NONE_PENDING: PendingState = [0, 0]

export interface BusOptions {
  readonly subscriber: RedisClient
  readonly commands: RedisCommands
  readonly keys: Pick<RedisKeys, 'channel' | 'fingerprint'>
  readonly lease: Lease
  readonly trust: Pick<TierTrust, 'disagreed' | 'isAgreed'>
  readonly clock: Clock
  /** The first seals; all of them open. */
  readonly sealingKeys: readonly Buffer[]
  /** A message of another instance. */
  readonly onMessage: (message: BusMessage, sender: string) => void
  /** Another instance was heard, be it by its probe; after `onMessage`. */
  readonly onHeard: (sender: string, state: PeerState, message: BusMessage) => void
  /** False: an instance is heard that is not understood, or finds nothing of ours in Redis. Told for each change. */
  readonly onAgreement: (isAgreed: boolean) => void
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
  #wasAgreed = true
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
      await this.#options.subscriber.subscribe(this.#options.keys.channel)
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
    const { lease, trust, onAgreement, onChange } = this.#options
    const isAgreed = trust.isAgreed()
    if (isAgreed !== this.#wasAgreed) onAgreement(isAgreed)
    this.#wasAgreed = isAgreed
    const isLive = lease.isLive()
    if (isLive !== this.#wasLive) onChange(isLive)
    this.#wasLive = isLive
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
    const { keys, sealingKeys, commands, clock, state } = this.#options
    const { channel, fingerprint: names } = keys
    const own = { sender: this.#id, number: ++this.#sent, names, ...state() }
    const envelope: Envelope = { ...own, sealedAt: clock.wall(), ...content }
    const sealed = sealEnvelope(envelope, sealingKeys[0] as Buffer, channel)
    return (await commands.publish(channel, sealed)).ok
  }

  #hear(bytes: Buffer): void {
    const { keys, sealingKeys } = this.#options
    const envelope = openEnvelope(bytes, sealingKeys, keys.channel)
    if (envelope === 'foreign') return
    if (envelope === 'unknown' || !this.#agreesWith(envelope)) this.#disagree()
    else if (this.#isNext(envelope)) this.#apply(envelope)
  }

  #apply(envelope: Envelope): void {
    const { onMessage, onHeard } = this.#options
    const { sender, probe, message, pending = NONE_PENDING, epoch = null } = envelope
    if (sender === this.#id) {
      if (probe?.connection === this.#connection) this.#renew(probe.sentAt)
      return
    }
    if (message !== undefined) onMessage(message, sender)
    onHeard(sender, { pending, epoch }, message ?? {})
  }

  #renew(sentAt: number): void {
    const { clock, trust, lease, onGap } = this.#options
    this.#heardAt = clock.monotonic()
    if (!trust.isAgreed()) return
    const gap = lease.renew(sentAt)
    if (gap > 0) onGap(gap)
  }

  /**
   * Of other names: its changes are to fences that are not ours. Sealed hours ago, or hours from now: it was put back,
   * or a clock is wrong, and then nothing is found of one another in Redis.
   */
  #agreesWith({ names, sealedAt }: Envelope): boolean {
    const { clock, keys } = this.#options
    // guard: same-names
    const isOfNow = Math.abs(clock.wall() - sealedAt) <= CLOCK_ERROR_MS + TRANSIT_MS
    return names === keys.fingerprint && isOfNow
  }

  /** There is one who changes things unheard: memory is not believed while it is there, nor is Redis. */
  #disagree(): void {
    this.#options.trust.disagreed()
    this.#options.lease.break()
  }

  /**
   * False: it was published before what was last heard of its sender, and is not applied: it may be a message that was
   * put back. If it was not, something was missed, as it is with a number that is left out: the lease ends.
   */
  #isNext({ sender, number }: Envelope): boolean {
    const last = this.#numbers.get(sender)
    if (last !== undefined && number !== last + 1) this.#options.lease.break()
    // guard: messages-in-order
    if (last !== undefined && number <= last) return false
    if (last === undefined && this.#numbers.size >= MAX_SENDERS) this.#numbers.clear()
    this.#numbers.set(sender, number)
    return true
  }
}

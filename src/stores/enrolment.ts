/**
 * This instance's place in the roster (`roster.ts`): beats, and does what follows from what comes back. The beat is also
 * how it is known whether Redis takes writes.
 *
 * On contact, for the first time or again:
 *
 * 1. What is pending here is published, and the changes that Redis may have lost are pending again.
 * 2. The first beat is written, and says so. It brings the epoch. Only now may fences be changed in Redis: under another
 *    epoch than the others' a change would be made where nobody looks.
 * 3. The pending changes are made. The next beat has nothing pending: for the others this instance is accounted for.
 * 4. When all the others are, what lies in Redis is believed.
 */
import type { Clock } from '../lib/clock.ts'
import { newValue } from './fence-value.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { entryText, listingOf, Roster, type RosterEntry, type RosterListing } from './roster.ts'
import { AMEND, ENROL } from './roster-scripts.ts'
import type { TierTrust } from './tier-trust.ts'

const BEAT_MS = 400
/** Redis has not answered a beat for so long: no contact. Milliseconds. */
const MAX_SILENCE_MS = 2_000

export interface EnrolmentOptions {
  readonly clock: Clock
  readonly commands: Pick<RedisCommands, 'run' | 'isUsable'>
  readonly keys: RedisKeys
  readonly trust: TierTrust
  /** What this instance is called, here and on the bus. */
  readonly instance: string
  /** Longer than anything lives in Redis. Milliseconds. */
  readonly lifetimeMs: number
  readonly hasPending: () => boolean
  /** Contact begins: step 1. */
  readonly onContact: () => void
  /** Fences may be changed: step 3. */
  readonly onEnrolled: () => void
  /** All fences have other names from now on. */
  readonly onEpoch: () => void
  readonly onWritable: (isWritable: boolean) => void
}

export class Enrolment {
  readonly #options: EnrolmentOptions
  readonly #roster = new Roster()
  readonly #timer: NodeJS.Timeout
  #count = 0
  /** Counts losses: the answer to a beat from before one says nothing. */
  #losses = 0
  #isPrepared = false
  #isEnrolled = false
  #isBeating = false
  #isWritable: boolean | null = null
  #answeredAt: number

  constructor(options: EnrolmentOptions) {
    this.#options = options
    this.#answeredAt = options.clock.monotonic()
    this.#timer = setInterval(() => void this.beat(), BEAT_MS)
    this.#timer.unref()
  }

  /** Whether the epoch is known, and contact was not lost since. */
  get isEnrolled(): boolean {
    return this.#isEnrolled
  }

  /** Whether Redis took the last write that it has answered. */
  get isWritable(): boolean {
    return this.#isWritable === true
  }

  lost(): void {
    this.#losses++
    this.#isPrepared = false
    this.#isEnrolled = false
    this.#roster.lost()
    this.#options.trust.lost()
  }

  /** Another instance is of this epoch. Of two that differ, the one that Redis confirms is right. */
  heardEpoch(epoch: string | null): void {
    const { keys } = this.#options
    if (epoch === null || keys.epoch === null || epoch === keys.epoch) return
    void this.beat().then((isTaken) => isTaken || this.lost())
  }

  /** @returns false if Redis did not take it */
  async beat(): Promise<boolean> {
    const { commands, keys, lifetimeMs, instance, clock } = this.#options
    if (this.#isBeating) return true
    if (!commands.isUsable) return false
    this.#isBeating = true
    this.#prepare()
    const losses = this.#losses
    const own = { instance, count: ++this.#count, hasPending: this.#options.hasPending() }
    // After a loss a roster that is missing says nothing of who was there.
    const epoch = (this.#isEnrolled ? keys.epoch : null) ?? newValue()
    const args = [instance, entryText(own), epoch, lifetimeMs]
    const reply = await commands.run(ENROL, [keys.roster], args)
    this.#isBeating = false
    if (reply.ok || reply.refused) this.#answered(reply.ok)
    else if (clock.monotonic() - this.#answeredAt >= MAX_SILENCE_MS) this.lost()
    const listing = reply.ok && Array.isArray(reply.value) ? listingOf(reply.value) : null
    if (listing === null) return false
    if (losses === this.#losses) await this.#read(listing, own)
    return true
  }

  /** To be called when nothing is pending any more. */
  async leave(): Promise<void> {
    const { commands, keys, instance } = this.#options
    await commands.run(AMEND, [keys.roster], ['', '', instance, ''])
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #prepare(): void {
    if (this.#isPrepared) return
    this.#isPrepared = true
    this.#options.onContact()
  }

  #answered(isTaken: boolean): void {
    this.#answeredAt = this.#options.clock.monotonic()
    if (isTaken === this.#isWritable) return
    // Until Redis has been seen to refuse, or was, nothing is worth telling.
    const isNews = !isTaken || this.#isWritable !== null
    this.#isWritable = isTaken
    if (isNews) this.#options.onWritable(isTaken)
  }

  async #read(listing: RosterListing, own: RosterEntry): Promise<void> {
    const { trust, clock, keys } = this.#options
    if (keys.epoch !== null && keys.epoch !== listing.epoch) this.lost()
    this.#enter(listing.epoch)
    const verdict = this.#roster.read(listing, own, clock.monotonic())
    // guard: epoch-raised
    if (verdict.mustRaise) await this.#raise(verdict.stale)
    else {
      if (verdict.isAccounted) trust.accounted()
      if (verdict.stale.length > 0) await this.#amend('', '', verdict.stale)
    }
  }

  /** Of this epoch from now on. */
  #enter(epoch: string): void {
    const { trust, keys, onEpoch, onEnrolled } = this.#options
    const isOther = keys.epoch !== null && keys.epoch !== epoch
    keys.epoch = epoch
    if (isOther) onEpoch()
    this.#prepare()
    if (this.#isEnrolled) return
    this.#isEnrolled = true
    trust.regained()
    onEnrolled()
  }

  async #raise(stale: readonly RosterEntry[]): Promise<void> {
    const { keys, trust } = this.#options
    const losses = this.#losses
    const epoch = await this.#amend(keys.epoch ?? '', newValue(), stale)
    if (epoch === null || losses !== this.#losses) return
    this.lost()
    this.#enter(epoch)
    this.#roster.raised()
    trust.accounted()
  }

  async #amend(
    seen: string,
    replacement: string,
    stale: readonly RosterEntry[],
  ): Promise<string | null> {
    const { commands, keys } = this.#options
    const entries = stale.flatMap((entry) => [entry.instance, entryText(entry)])
    const reply = await commands.run(AMEND, [keys.roster], [seen, replacement, ...entries])
    const epoch = reply.ok ? String(reply.value).slice('e.'.length) : ''
    return epoch === '' ? null : epoch
  }
}

/**
 * Judges whether what lies in Redis may be believed. Pure: a value of what the roster in Redis said, and when.
 *
 * A write that Redis could not take leaves an old body under an unchanged fence, and only the instance that made the
 * write knows of it:
 *
 * 1. Redis is away. A write goes through instance A, which is ended before Redis is back.
 * 2. Redis is back, with all that it had. Nobody is left who knows that the fence should have changed.
 *
 * So each instance has an entry in a roster in Redis, with a count that it raises while it is in contact; an entry is
 * removed when its instance ends with nothing pending. Whoever comes into contact, for the first time or again, believes
 * what lies there once every entry that it finds was removed, or is counting with nothing pending. An entry that stands
 * still is of an instance that has ended otherwise: then the epoch is raised, which is part of the names of all fences,
 * so that whatever was stored before is void.
 *
 * While contact goes on, an entry that stands still is removed, and nothing is void: its instance ended in contact, where
 * each write changes its fences before it is sent. (Or it alone is cut off: docs/coherence.md says what holds then.)
 */
import { RECENT_MS } from './owed-changes.ts'

/** What one instance says of itself. */
export interface RosterEntry {
  readonly instance: string
  /** Raised by its instance with each beat. */
  readonly count: number
  /** It has changes that Redis has not taken. */
  readonly hasPending: boolean
}

export interface RosterListing {
  readonly epoch: string
  readonly entries: readonly RosterEntry[]
}

export interface RosterVerdict {
  /** Everyone who may have had something pending is accounted for. */
  readonly isAccounted: boolean
  /** What was stored so far is void. */
  readonly mustRaise: boolean
  /** Entries to be removed. */
  readonly stale: readonly RosterEntry[]
}

/** From contact: whoever does not count within it is not there. Milliseconds. */
export const AWAITED_MS = 5_000
/** In contact: whoever does not count for so long is not there. Shorter, so that a crash elsewhere keeps nobody waiting. */
export const STALLED_MS = 3_000
/** Two beats further apart than this are no contact. Milliseconds. */
const MAX_GAP_MS = 2_000

interface Seen {
  readonly entry: RosterEntry
  /** When its count was seen to change. */
  readonly changedAt: number
}

export class Roster {
  /** Instance → its entry as it was at contact; null: no contact. */
  #awaited: Map<string, RosterEntry> | null = null
  #contactAt = 0
  #readAt = Number.NEGATIVE_INFINITY
  #seen = new Map<string, Seen>()
  /** Own counts that Redis has taken, and when, as far back as changes are repeated after a loss. */
  #taken: { readonly count: number; readonly at: number }[] = []

  /** Contact is lost: from now on others may have what is pending, and end. */
  lost(): void {
    this.#awaited = null
  }

  /** Whatever was stored before is void, and so is all that was awaited. */
  raised(): void {
    this.#awaited = new Map()
  }

  /**
   * @param listing as it was before our own entry was written
   * @param own our own entry, written with it
   */
  read(listing: RosterListing, own: RosterEntry, now: number): RosterVerdict {
    const others = listing.entries.filter(({ instance }) => instance !== own.instance)
    const before = listing.entries.find(({ instance }) => instance === own.instance)
    const isRolledBack = before !== undefined && this.#isOlderThanRepeated(before)
    this.#noteTaken(own.count, now)
    const isFirst = this.#awaited === null
    if (isFirst) {
      this.#awaited = new Map(others.map((entry) => [entry.instance, entry]))
      this.#contactAt = now
    }
    this.#see(others, now)
    const absent = isFirst ? [] : this.#account(others, now)
    const stalled = this.#awaited?.size === 0 ? this.#stalled(now) : []
    const stale = [...absent, ...stalled]
    const mustRaise =
      isRolledBack || absent.length > 0 || stalled.some(({ hasPending }) => hasPending)
    return { isAccounted: this.#awaited?.size === 0, mustRaise, stale }
  }

  /** Ticks off who is there with nothing pending, or was removed. Gives those who are not there. */
  #account(others: readonly RosterEntry[], now: number): RosterEntry[] {
    const present = new Map(others.map((entry) => [entry.instance, entry]))
    const isLate = now - this.#contactAt >= AWAITED_MS
    const absent: RosterEntry[] = []
    for (const [instance, { count }] of this.#awaited ?? []) {
      const entry = present.get(instance)
      const isCounting = entry !== undefined && entry.count !== count
      // guard: stands-still
      if (entry === undefined || (isCounting && !entry.hasPending)) this.#awaited?.delete(instance)
      else if (!isCounting && isLate) absent.push(entry)
    }
    return absent
  }

  #see(others: readonly RosterEntry[], now: number): void {
    // After a gap in our own contact the others' is not known.
    const isUnbroken = now - this.#readAt < MAX_GAP_MS
    this.#readAt = now
    const seen = new Map<string, Seen>()
    for (const entry of others) {
      const before = this.#seen.get(entry.instance)
      const isSame = isUnbroken && before?.entry.count === entry.count
      seen.set(entry.instance, { entry, changedAt: isSame ? before.changedAt : now })
    }
    this.#seen = seen
  }

  #stalled(now: number): RosterEntry[] {
    return [...this.#seen.values()]
      .filter(({ changedAt }) => now - changedAt >= STALLED_MS)
      .map(({ entry }) => entry)
  }

  #noteTaken(count: number, now: number): void {
    this.#taken.push({ count, at: now })
    while (now - (this.#taken[0]?.at ?? now) > RECENT_MS) this.#taken.shift()
  }

  /** Redis has our entry as it was long ago: it was put back to a state from before changes that nobody repeats. */
  #isOlderThanRepeated({ count }: RosterEntry): boolean {
    const [oldest] = this.#taken
    return oldest !== undefined && count < oldest.count
  }
}

/** One text for each entry: `i.<instance>.<count>.<1 with changes pending, or 0>`. */
export function entryText({ instance, count, hasPending }: RosterEntry): string {
  return `i.${instance}.${count}.${hasPending ? 1 : 0}`
}

/** Null: it names no epoch. What is no entry is left out. */
export function listingOf(values: readonly unknown[]): RosterListing | null {
  let epoch: string | null = null
  const entries: RosterEntry[] = []
  for (const value of values) {
    const [kind, name = '', count = '', flag] = String(value).split('.', 4)
    if (kind === 'e') epoch = name
    else if (kind === 'i')
      entries.push({ instance: name, count: Number(count), hasPending: flag === '1' })
  }
  return epoch === null ? null : { epoch, entries }
}

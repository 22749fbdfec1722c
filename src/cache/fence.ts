/**
 * Fences (`docs/coherence.md`). A fence is a value that never repeats; a write changes it. What was
 * filled is stamped with the fences that its fill started under, and is used only while every one
 * of them still has that value. A fence that is missing counts as changed.
 *
 * ```
 *   fence = value [ "~" mark ]        neither holds "~", and neither ever comes back
 * ```
 *
 * A soft purge keeps the value and changes the mark: what was stamped before is as true as it was, and stale.
 * Compared as a whole, value and mark are one text, so what asks for less than all of it asks for it by name.
 *
 * A write under way is noted beside the value, not in its place: a rejected one leaves the value as it was, and
 * what was stamped with it holds again. One that is never settled counts as a change when its time is over.
 */
import type { Key } from './key.ts'

/** Fence names and the values they had. */
export type FenceStamp = readonly (readonly [name: Key, value: string])[]

/** What a fill started under. */
export interface OpenFence {
  readonly stamp: FenceStamp
  /** A write to one of these was under way: the fill answers, and stores nothing. */
  readonly pending: boolean
  /** The tenant's kin fence; null: the route has no families. */
  readonly kin: readonly [name: Key, value: string] | null
}

/** What this process knows of one fence. */
export interface FenceSight {
  readonly name: Key
  /** Null: it is not known here, and nothing that is stamped with it holds. */
  readonly value: string | null
  /** A write is under way. */
  readonly isPending: boolean
  /** Its part in `peek`; null: `peek` would make one, which no flight has. */
  readonly mark: string | null
}

/** As `holds`, for one who only looks. */
export function holdsBySight(stamp: FenceStamp, sight: (name: Key) => FenceSight): boolean {
  return stamp.every(([name, stamped]) => {
    const { value, isPending } = sight(name)
    return value === stamped && !isPending
  })
}

/** What reads need of fences. The first three are synchronous: they are on the way of every hit. */
export interface Fences {
  /** Whether every fence of the stamp has the stamped value and mark, as far as this process knows, and no write is pending. */
  holds(stamp: FenceStamp): boolean
  /** The present local values as one text: equal texts, no write seen in between. */
  peek(names: readonly Key[]): string
  /** Whether what others change is heard: false, and a fence that does not hold may not have changed at all. */
  isInTouch(): boolean
  /** For one who only looks: nothing is created or changed. */
  sight(name: Key): FenceSight
  /**
   * Reads the fences that a fill starts under, and creates what is missing.
   *
   * @param isProvisional the upstream has not accepted the credential: what is created is for this exchange
   */
  open(names: readonly Key[], kin: Key | null, isProvisional?: boolean): Promise<OpenFence>
  /**
   * At the end of a fill: the opened fences, and those of the families that the answer named. Null if
   * one of them may have changed since `open`; then the fill must not be stored.
   */
  extend(open: OpenFence, families: readonly Key[]): Promise<FenceStamp | null>
}

/** What becomes of fences that were opened for an exchange whose credential may be nobody's. Each ends in one of these. */
export interface ProvisionalFences {
  /** The upstream has accepted the credential: these fences are no longer provisional. */
  keep(stamp: FenceStamp): void
  /** Nothing was stored: what is still provisional of these fences is removed. Missing, it counts as changed. */
  abandon(stamp: FenceStamp): void
}

/** A write that has been announced and not yet settled. */
export interface PendingWrite {
  readonly id: string
  readonly names: readonly Key[]
}

/** What writes need of fences. */
export interface WriteFences {
  /** Before the write is forwarded. While pending, reads go to the upstream and store nothing. `lifetimeMs` bounds it. */
  begin(names: readonly Key[], lifetimeMs: number): Promise<PendingWrite>
  /**
   * After an outcome that may have changed something, and before the client is answered: the fences change.
   * `holdMs` > 0 keeps the write pending for so much longer, because its outcome is unknown and it may yet
   * be applied.
   */
  settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void>
  /** After a definite rejection: the fences keep their values, and what was stamped with them holds again. */
  restore(write: PendingWrite): Promise<void>
  /**
   * Changes fences at once: purge, or a credential that the upstream refused.
   *
   * @returns false if it is owed: not all who share the fences could be told yet
   */
  change(names: readonly Key[]): Promise<boolean>
  /**
   * Marks fences: what they guard is stale from now on, and no less true. A fence that is missing counts as
   * changed, which is more.
   *
   * @returns as `change`
   */
  mark(names: readonly Key[]): Promise<boolean>
}

/** All that a store of fences can do. */
export type FenceStore = Fences & ProvisionalFences & WriteFences

const MARK_SIGN = '~'

/** @param fence value and mark; the mark is replaced */
export function withMark(fence: string, mark: string): string {
  return `${valuePart(fence)}${MARK_SIGN}${mark}`
}

/** Whether two fences differ in their marks at most, or in whether a write is under way. */
export function isSameValue(one: string, other: string): boolean {
  return one === other || valuePart(one) === valuePart(other)
}

/** Before the value, as Redis gives it, while a write is under way. */
const PENDING_SIGN = '!'

function valuePart(fence: string): string {
  const from = fence.startsWith(PENDING_SIGN) ? PENDING_SIGN.length : 0
  const at = fence.indexOf(MARK_SIGN)
  return fence.slice(from, at === -1 ? undefined : at)
}

/** Whether what is stamped so is true, be it stale. */
export function isTrue(fences: Pick<Fences, 'holds' | 'sight'>, stamp: FenceStamp): boolean {
  return fences.holds(stamp) || holdsButForMarks(fences, stamp)
}

/** As `holds`, whatever the marks. To be asked where `holds` says no: then what is stamped so is true, and stale. */
export function holdsButForMarks(fences: Pick<Fences, 'sight'>, stamp: FenceStamp): boolean {
  return stamp.every(([name, stamped]) => {
    const { value, isPending } = fences.sight(name)
    return value !== null && !isPending && isSameValue(value, stamped)
  })
}

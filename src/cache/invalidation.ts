/**
 * What a write makes stale (contract table 8.3), as fences to be made pending before it is forwarded
 * and changed before its client is answered. Which rows there are is data in `contract/routes.ts`.
 */
import type { WriteMatch } from '../contract/routes.ts'
import { type Fences, isSameValue, isTrue, type PendingWrite, type WriteFences } from './fence.ts'
import { memberOfContent } from './json-member.ts'
import { familyFence, type Key, kinFence, lineageKey, subjectFence, tenantFence } from './key.ts'
import type { MemoryStore } from './ports.ts'
import type { Lineage } from './records.ts'

/**
 * Answers that prove that nothing was changed: the request was refused before anything was done with it
 * (docs/coherence.md, "Rejections"). 409 is none: it may tell of a part that was done.
 */
const DEFINITE_REJECTIONS: ReadonlySet<number> = new Set([
  400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429, 431,
])

export interface WriteOutcome {
  /** Whether any byte of it may have reached the API. False: it changed nothing, and there is no answer. */
  readonly isSent: boolean
  /** Null: no answer came, and the write may have been applied or may yet be. */
  readonly status: number | null
  /** The bodies as text, where the row needs them; null: not known, too long, or not there. */
  readonly requestBody: string | null
  readonly responseBody: string | null
}

/** Whether it is certain that the write has changed nothing, and never will. */
export function isRejected({ isSent, status }: WriteOutcome): boolean {
  // guard: unsent-write
  if (!isSent) return true
  // guard: definite-rejection
  return status !== null && DEFINITE_REJECTIONS.has(status)
}

/** Whether it is known neither to have been done nor to have changed nothing. */
export function isInDoubt(outcome: WriteOutcome): boolean {
  return !isDone(outcome) && !isRejected(outcome)
}

function isDone({ status }: WriteOutcome): boolean {
  return status !== null && status >= 200 && status < 300
}

/** An announced write; to be settled exactly once. */
export interface AnnouncedWrite {
  readonly tenant: string
  readonly match: WriteMatch
  readonly pending: PendingWrite
  /** What it makes stale as far as its path says, pending or not. */
  readonly names: readonly Key[]
  /** What was last seen of its parent, before this write; undefined: nothing. */
  readonly lineage: Lineage | undefined
}

export interface InvalidatorDependencies {
  readonly fences: Pick<Fences, 'holds' | 'sight' | 'open'> & WriteFences
  readonly memory: MemoryStore
  /** How long a write may take, and how long one without an outcome is waited for. Milliseconds. */
  readonly writeDeadlineMs: number
}

/** Whether the bodies of such a write say what else it makes stale. */
export function readsBodies({ row }: WriteMatch): boolean {
  return row.drops.includes('parents') || row.drops.includes('created')
}

export class Invalidator {
  readonly #deps: InvalidatorDependencies

  constructor(dependencies: InvalidatorDependencies) {
    this.#deps = dependencies
  }

  /**
   * Before the write is forwarded: from now on reads go to the upstream, and nothing is stored.
   *
   * @param isAccepted whether the upstream has accepted the credential in the tenant; before the outcome, any
   * other touches at most the record that its path names
   */
  async announce(tenant: string, match: WriteMatch, isAccepted: boolean): Promise<AnnouncedWrite> {
    const { subject, row } = match
    const lineage = subject === null ? undefined : this.#lineageOf(tenant, row.subject, subject)
    const names = namesInPath(tenant, match, lineage?.parent)
    const own = subject === null ? [] : [subjectFence(tenant, row.subject, subject)]
    // guard: unaccepted-write
    const before = isAccepted ? names : own.filter((name) => names.includes(name))
    const pending = await this.#deps.fences.begin(before, this.#deps.writeDeadlineMs)
    return { tenant, match, pending, names, lineage }
  }

  /**
   * After the outcome, and before the client is answered.
   *
   * @returns false: it was rejected, and everything is as it was before
   */
  async settle(write: AnnouncedWrite, result: WriteOutcome): Promise<boolean> {
    const { status } = result
    if (isRejected(result)) {
      await this.#deps.fences.restore(write.pending)
      return false
    }
    const holdMs = status === null || status >= 500 ? this.#deps.writeDeadlineMs : 0
    const names = [...write.names, ...learnt(write, result, await this.#formerParent(write))]
    await this.#deps.fences.settle(write.pending, names, holdMs)
    const { subject, row } = write.match
    if (subject !== null && row.drops.includes('parents')) {
      this.#deps.memory.delete(lineageKey(write.tenant, row.subject, subject))
    }
    return true
  }

  #lineageOf(tenant: string, kind: string, subject: string): Lineage | undefined {
    const lineage = this.#deps.memory.get(lineageKey(tenant, kind, subject))
    // Any instance may have moved the record since.
    const isKnown = lineage?.kind === 'lineage' && isTrue(this.#deps.fences, lineage.stamp)
    return isKnown ? lineage : undefined
  }

  /**
   * The parent before the write; undefined: not known. What was seen when it was announced may be so no more:
   *
   * 1. Record 5 has parent 1. Write A (to 2) is announced, and takes its time.
   * 2. Write B (to 3) is applied and settled. A reader reads 3, which shows 5.
   * 3. A is applied and settled. Were 1 still taken for the former parent, 3 would go on showing 5.
   */
  async #formerParent({ match, lineage }: AnnouncedWrite): Promise<string | null | undefined> {
    if (lineage === undefined || !match.row.drops.includes('parents')) return lineage?.parent
    const names = lineage.stamp.map(([name]) => name)
    const { stamp } = await this.#deps.fences.open(names, null)
    const isUnchanged = lineage.stamp.every(([, value], i) =>
      isSameValue(stamp[i]?.[1] ?? '', value),
    )
    return isUnchanged ? lineage.parent : undefined
  }
}

/** @param former the parent that was last seen */
function namesInPath(
  tenant: string,
  { subject, row }: WriteMatch,
  former: string | null | undefined,
): Key[] {
  // W10 names nobody yet: nothing that could be cached is changed before its answer says whom.
  if (row.drops.includes('created')) return []
  if (subject === null) return [tenantFence(tenant)]
  const names = subjectNames(tenant, row.subject, subject, row.drops.includes('family'))
  if (former !== undefined && former !== null && row.drops.includes('parents')) {
    names.push(subjectFence(tenant, row.subject, former))
  }
  return names
}

function subjectNames(tenant: string, kind: string, id: string, family: boolean): Key[] {
  const own = subjectFence(tenant, kind, id)
  return family ? [own, familyFence(tenant, kind, id), kinFence(tenant)] : [own]
}

/**
 * The fences of the records that only the bodies name; the tenant's, if they can't be learnt.
 *
 * @param former the parent before the write; undefined: not known
 */
function learnt(
  write: AnnouncedWrite,
  result: WriteOutcome,
  former: string | null | undefined,
): Key[] {
  const { tenant, match } = write
  const names: Key[] = []
  if (match.row.drops.includes('created')) {
    const created = createdId(result.responseBody)
    if (created === null) return [tenantFence(tenant)]
    names.push(...subjectNames(tenant, match.row.subject, created, true))
  }
  if (!match.row.drops.includes('parents')) return names
  const parents = parentsOf(write, result, former)
  if (parents === null) return [tenantFence(tenant)]
  // A new child may change what its parent's other children show (contract table 8.3, W10).
  const withFamily = match.row.drops.includes('created')
  for (const id of parents) names.push(...subjectNames(tenant, match.row.subject, id, withFamily))
  return names
}

/**
 * Old and new parent, as far as there are any; null: can't be told.
 *
 * The new one is in the answer, or in the request; the old one is what was last seen, or, when the
 * request does not touch the link, the same as the new one.
 */
function parentsOf(
  write: AnnouncedWrite,
  result: WriteOutcome,
  former: string | null | undefined,
): string[] | null {
  const { parentMember } = write.match.row
  const asked = memberOfContent(result.requestBody, parentMember)
  // An answer that is no success tells of no record.
  const answered = isDone(result) ? memberOfContent(result.responseBody, parentMember) : undefined
  const isCreation = write.match.row.drops.includes('created')
  const before = isCreation ? null : former
  const parents = new Set<string>()
  for (const parent of [before, asked, answered]) {
    if (parent === 'invalid') return null
    if (typeof parent === 'string') parents.add(parent)
  }
  const isLinkKnown = before !== undefined || (asked === undefined && answered !== undefined)
  const isTargetKnown = answered !== undefined || asked !== undefined || result.requestBody !== null
  return isLinkKnown && isTargetKnown ? [...parents] : null
}

/** W10 answers with a location profile: the customer is `customer_id`, or `id` from 2021/04/07 on. */
function createdId(body: string | null): string | null {
  const id = memberOfContent(body, 'customer_id') ?? memberOfContent(body, 'id') ?? null
  return id === 'invalid' ? null : id
}

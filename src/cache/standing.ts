/**
 * What an answer's status says about a credential (`docs/sharing.md`): which admissions begin and end,
 * and which grants are over. Used for fills and for everything that passes through.
 */
import { API_VERSIONS } from '../contract/headers.ts'
import { AskedViews } from './asked-views.ts'
import type { FenceStamp, FenceStore, OpenFence } from './fence.ts'
import { admissionKey, credentialFence, grantKey, type Key, type View, viewKey } from './key.ts'
import { isPlainlyOther } from './policy.ts'
import type { BufferedAnswer, MemoryStore, SharedTier, StreamedAnswer } from './ports.ts'
import type { Admission } from './records.ts'
import type { Reporter } from './report.ts'
import type { ReadRequest, RequestCredential } from './request.ts'

export interface Answered {
  readonly tenant: string
  readonly credential: Pick<RequestCredential, 'partition' | 'holder' | 'former'>
  readonly status: number
  /** Monotonic milliseconds; the request left no earlier. */
  readonly sentAt: number
  /** The credential's fence as it was before the request left. */
  readonly stamp: FenceStamp
  /** The path is known to need the token: a cached route, or a write below one. Others prove nothing. */
  readonly vouches: boolean
  /** The cached resource that was asked for; null: none. */
  readonly resource: Pick<View, 'route' | 'params' | 'version'> | null
}

/** @param opened the fences that the read started under */
export function answeredRead(
  { view, credential }: ReadRequest,
  opened: OpenFence,
  answer: BufferedAnswer | StreamedAnswer,
): Answered {
  const { status, sentAt } = answer
  // A page that anybody is shown does not prove that the token was looked at.
  // guard: vouching-answers
  const vouches = !isPlainlyOther(answer)
  const stamp = opened.stamp.filter(([name]) => name === credentialFence(credential.partition))
  return { tenant: view.tenant, credential, status, sentAt, stamp, vouches, resource: view }
}

export interface StandingsDependencies {
  readonly memory: MemoryStore
  readonly fences: FenceStore
  readonly credentialTtlMs: number
  readonly tier: Pick<SharedTier, 'withdraw'> | null
  /** Tells the other processes of this instance which grants are over, where they have them; null: it is the only one. */
  readonly onRefused: ((grants: readonly Key[]) => void) | null
  readonly reporter: Pick<Reporter, 'invalidated'>
}

export class Standings {
  readonly #deps: StandingsDependencies
  /** What is being asked for, on whoever's behalf. */
  readonly asked = new AskedViews()

  constructor(dependencies: StandingsDependencies) {
    this.#deps = dependencies
  }

  /**
   * Whether the upstream has once accepted the credential in the tenant, and not refused it since, as far as is
   * known here. No right to be served follows from it: that lapses with time (`entitlement.ts`).
   */
  isAccepted(
    tenant: string,
    { partition, holder }: Pick<RequestCredential, 'partition' | 'holder'>,
  ): boolean {
    const { memory, fences } = this.#deps
    const held = memory.peek(admissionKey(tenant, partition))
    return held?.kind === 'admission' && held.holder === holder && fences.holds(held.stamp)
  }

  /** The credential's fence, to be read before a request leaves whose answer will be learnt from. */
  async open(tenant: string, credential: Answered['credential']): Promise<FenceStamp> {
    const isProvisional = !this.isAccepted(tenant, credential)
    const names = [credentialFence(credential.partition)]
    const { stamp } = await this.#deps.fences.open(names, null, isProvisional)
    return stamp
  }

  /**
   * To be called once when an exchange is over, whatever came of it: of a credential that the upstream has not
   * accepted nothing is left behind.
   *
   * @param stamp the fences that it was opened with
   */
  release(tenant: string, credential: Answered['credential'], stamp: FenceStamp): void {
    if (this.isAccepted(tenant, credential)) this.#deps.fences.keep(stamp)
    else this.#deps.fences.abandon(stamp)
  }

  async learn(answered: Answered): Promise<void> {
    const { status, tenant, credential, sentAt } = answered
    const { partition, holder, former } = credential
    if (status === 401) {
      this.#deps.memory.delete(admissionKey(tenant, partition))
      const all = [partition, ...former.map((each) => each.partition)]
      // guard: refused-credential
      await this.#deps.fences.change(all.map(credentialFence))
      this.#deps.reporter.invalidated('credential')
    } else if (status === 403 || status === 404) {
      if (answered.resource !== null) this.#withdrawAll(answered, answered.resource)
    } else if (status >= 200 && status < 300 && answered.vouches) {
      // A 2xx that left before a 401 says nothing any more: the fence has changed in between.
      if (!this.#deps.fences.holds(answered.stamp)) return
      this.#deps.fences.keep(answered.stamp)
      const expiresAt = sentAt + this.#deps.credentialTtlMs
      const stamp = answered.stamp
      const admission: Admission = { kind: 'admission', holder, expiresAt, stamp }
      this.#deps.memory.set(admissionKey(tenant, partition), admission, tenant)
    }
  }

  /** Ends the grant of one view, unless it was given by a later request than the one sent at `sentAt`. */
  withdraw(view: View, partition: string, sentAt: number): void {
    const key = grantKey(viewKey(view), partition)
    const held = this.#deps.memory.get(key)
    if (held?.kind === 'grant' && held.witnessedAt > sentAt) return
    this.#deps.memory.set(key, { kind: 'withdrawal', witnessedAt: sentAt }, view.tenant)
    if (held !== undefined) this.#deps.tier?.withdraw(view.tenant, [key])
  }

  /**
   * A refusal concerns the resource, whatever version it was asked for in. It is kept where a grant was; and, of a
   * credential that is known, for the view that was asked for, in case an answer from before is still to come. Of any
   * other, who waits for such an answer is told.
   */
  #withdrawAll(
    { tenant, credential, sentAt }: Answered,
    { version: asked, ...resource }: NonNullable<Answered['resource']>,
  ): void {
    const { memory } = this.#deps
    const { partition } = credential
    const isKnown = this.isAccepted(tenant, credential)
    const refused: Key[] = []
    for (const version of [null, ...API_VERSIONS]) {
      const view: View = { ...resource, tenant, version }
      const key = grantKey(viewKey(view), partition)
      const isHeld = memory.peek(key) !== undefined
      refused.push(key)
      // guard: refused-meanwhile
      this.asked.refused(key, sentAt)
      // guard: kept-withdrawals
      if (isHeld || (isKnown && version === asked)) this.withdraw(view, partition, sentAt)
    }
    this.#deps.onRefused?.(refused)
  }
}

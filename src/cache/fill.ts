/**
 * From an answer to what is kept of it: policy decides, the fence and the testimony confirm, and the
 * records are written. The last step of a fill, after its last await.
 */
import type { Clock } from '../lib/clock.ts'
import type { DigestRule } from './digest-rule.ts'
import {
  type FenceStamp,
  type Fences,
  isTrue,
  type OpenFence,
  type ProvisionalFences,
} from './fence.ts'
import { dateField, type ExchangeTimes } from './freshness.ts'
import type { HeaderChanges } from './header-changes.ts'
import { HeaderLists } from './header-lists.ts'
import {
  credentialFence,
  currentKey,
  familyFence,
  type Key,
  lineageKey,
  subjectFence,
} from './key.ts'
import type { MintTag } from './minted-tag.ts'
import type { RejectReason } from './outcome.ts'
import { Overtaking } from './overtaking.ts'
import { type Assessment, assess, isPlainlyOther } from './policy.ts'
import type { BufferedAnswer, MemoryStore, SharedTier, StreamedAnswer } from './ports.ts'
import type { Current, Grant, Representation } from './records.ts'
import type { Reporter } from './report.ts'
import { joinedHeader } from './representation.ts'
import { type ReadRequest, subjectOf, tierCredential } from './request.ts'
import { remember, type SharingMode } from './sharing.ts'
import type { StaleLimits } from './stale.ts'
import type { Standings } from './standing.ts'
import { weigh } from './witness.ts'

/** Lifetimes in milliseconds. */
export interface Lifetimes extends StaleLimits {
  readonly ttlMs: number
  /** Fraction of `ttlMs` by which it varies either way, so that entries don't expire together. */
  readonly ttlJitter: number
  readonly grantTtlMs: number
}

export interface FillDependencies {
  readonly memory: MemoryStore
  /** Null: there is none. */
  readonly tier: SharedTier | null
  readonly fences: Fences & Pick<ProvisionalFences, 'keep'>
  readonly standings: Standings
  readonly sharing: SharingMode
  readonly lifetimes: Lifetimes
  readonly mintTag: MintTag
  readonly clock: Clock
  readonly digestRule: DigestRule
  readonly headerChanges: HeaderChanges
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly reporter: Pick<
    Reporter,
    'walked' | 'filled' | 'invalidated' | 'outdated' | 'headersChanged'
  >
}

export interface Kept {
  /** What the answer says, as a representation; null when policy forbids to make one of it. */
  readonly representation: Representation | null
  /** Why nothing was stored; null: it was. */
  readonly rejected: RejectReason | null
  /** The shared tier has what it will have of it. */
  readonly shared: Promise<unknown>
}

const NOTHING_SHARED: Promise<void> = Promise.resolve()

export const NOTHING_KEPT: Kept = { representation: null, rejected: null, shared: NOTHING_SHARED }

type Admitted = Extract<Assessment, { kind: 'admit' }>

export class FillStore {
  readonly #deps: FillDependencies
  readonly #headers = new HeaderLists()
  readonly #overtaking: Overtaking

  constructor(dependencies: FillDependencies) {
    this.#deps = dependencies
    this.#overtaking = new Overtaking(dependencies)
  }

  /** `opened`: the fences, read before the request left. */
  async keep(
    request: ReadRequest,
    opened: OpenFence,
    answer: BufferedAnswer | StreamedAnswer,
  ): Promise<Kept> {
    if (answer.kind === 'streamed') return this.#letPass(request, answer)
    const { lifetimes, random, fences } = this.#deps
    const ttlMs = lifetimes.ttlMs * (1 + lifetimes.ttlJitter * (2 * random() - 1))
    const asked = { version: request.view.version, parentMember: request.route.parentMember }
    const times = this.#timesOf(answer)
    const assessment = assess(asked, answer, ttlMs, times)
    if (assessment.kind === 'reject') {
      this.#withdrawFor(request, answer)
      return { representation: null, rejected: assessment.reason, shared: NOTHING_SHARED }
    }
    if (request.directives.noStore) return this.#confirm(request, answer, assessment, times)
    const stamp = opened.pending
      ? null
      : await fences.extend(opened, this.#familyOf(request, assessment))
    const representation = this.#represent(request, answer, assessment, stamp ?? [], times)
    if (stamp === null) {
      const rejected = fences.isInTouch() ? 'fence' : 'fences-unknown'
      return { representation, rejected, shared: NOTHING_SHARED }
    }
    const grant = this.#witness(request, representation, stamp, answer.sentAt)
    if (grant === null) {
      return { representation, rejected: 'superseded', shared: NOTHING_SHARED }
    }
    fences.keep(stamp)
    this.#noteParent(request, assessment.parent, stamp)
    return { representation, rejected: null, shared: this.#share(request, grant, representation) }
  }

  /**
   * The client forbids to store its answer (RFC 9111 section 5.2.1.5). What the answer says of the copy that its
   * credential holds, is heeded: that these are still the bytes, or that they no longer are.
   */
  #confirm(
    request: ReadRequest,
    answer: BufferedAnswer,
    admitted: Admitted,
    times: ExchangeTimes,
  ): Kept {
    const { memory } = this.#deps
    const representation = this.#represent(request, answer, admitted, [], times)
    const held = memory.get(request.grantKey)
    if (held?.kind === 'grant' && held.witnessedAt <= answer.sentAt) {
      const copy = memory.get(this.#overtaking.keyOf(request, held.digest))
      if (held.digest !== representation.digest) {
        this.#overtaking.overtake(request, held.digest, representation, answer.sentAt)
      } else if (copy?.kind === 'representation') {
        copy.confirmedAt = Math.max(copy.confirmedAt, answer.sentAt)
      }
    }
    return { representation, rejected: 'no-store', shared: NOTHING_SHARED }
  }

  /** Too long to be kept, or not known to be whole, whatever it is. */
  #letPass(request: ReadRequest, answer: StreamedAnswer): Kept {
    this.#withdrawFor(request, answer)
    return { ...NOTHING_KEPT, rejected: answer.status === 200 ? answer.why : 'status' }
  }

  /**
   * A 200 that can't be kept is what the view has become for this credential: what it was granted before is over. It
   * says nothing of what others were given; and a page of something that stands before the API says nothing at all.
   */
  #withdrawFor({ view, partition }: ReadRequest, answer: BufferedAnswer | StreamedAnswer): void {
    if (answer.status !== 200 || isPlainlyOther(answer)) return
    // guard: own-withdrawal
    this.#deps.standings.withdraw(view, partition, answer.sentAt)
  }

  #timesOf({ sentAt }: BufferedAnswer): ExchangeTimes {
    const { clock } = this.#deps
    const receivedAt = clock.wall()
    return { sentAt: receivedAt - (clock.monotonic() - sentAt), receivedAt }
  }

  #familyOf(request: ReadRequest, { parent }: Admitted): string[] {
    return parent === null ? [] : [familyFence(request.view.tenant, request.route.subject, parent)]
  }

  #represent(
    request: ReadRequest,
    answer: BufferedAnswer,
    admitted: Admitted,
    stamp: FenceStamp,
    times: ExchangeTimes,
  ): Representation {
    const { status, reason, body } = answer
    const { digestRule } = this.#deps
    const headers = this.#headers.shared(digestRule.keptHeaders(answer.headers))
    const { tenant } = request.view
    const { version } = admitted
    const generatedAt = answer.sentAt - admitted.initialAgeMs
    const freshUntil = generatedAt + admitted.lifetimeMs
    const { staleWhileRevalidateMs, staleIfErrorMs } = this.#deps.lifetimes
    const staleMs = Math.max(staleWhileRevalidateMs, staleIfErrorMs)
    return {
      kind: 'representation',
      digest: digestRule.digestOf(status, headers, body),
      status,
      reason,
      headers,
      date: dateField(answer.headers, times),
      body,
      etag: joinedHeader(headers, 'etag') ?? this.#deps.mintTag(tenant, version, body),
      version,
      generatedAt,
      servedAt: generatedAt,
      confirmedAt: answer.sentAt,
      freshUntil,
      staleUntil: freshUntil + Math.min(staleMs, admitted.staleMs),
      stamp: without(stamp, credentialFence(request.partition)),
    }
  }

  /** Writes grant and representation, if the answer proves what they say. Synchronous: nothing can come in between. */
  #witness(
    request: ReadRequest,
    representation: Representation,
    stamp: FenceStamp,
    sentAt: number,
  ): Grant | null {
    const { memory, lifetimes, sharing, standings } = this.#deps
    const { digest, version } = representation
    if (standings.asked.wasRefusedSince(request.grantKey, sentAt)) return null
    const previous = memory.get(request.grantKey)
    const key = this.#overtaking.keyOf(request, digest)
    const present = memory.get(key)
    const proof = weigh({
      previous:
        previous?.kind === 'grant' || previous?.kind === 'withdrawal' ? previous : undefined,
      present:
        present?.kind === 'representation' || present?.kind === 'superseded' ? present : undefined,
      digest,
      sentAt,
    })
    if (proof.kind === 'outdated') return null
    if (proof.supersedes !== null) {
      this.#overtaking.overtake(request, proof.supersedes, representation, sentAt)
    }
    const expiresAt = sentAt + lifetimes.grantTtlMs
    const { holder } = request.credential
    const kind = 'grant'
    const grant: Grant = { kind, holder, digest, version, witnessedAt: sentAt, expiresAt, stamp }
    memory.set(request.grantKey, grant, request.view.tenant)
    memory.set(key, representation, request.view.tenant)
    if (sharing.of(request.view.tenant, sentAt) === 'tenant') {
      this.#noteCurrent(request, representation, sentAt)
    }
    return grant
  }

  /** What one instance has filled is there for all. */
  async #share(request: ReadRequest, grant: Grant, representation: Representation): Promise<void> {
    const { tier, memory, sharing } = this.#deps
    if (tier === null) return
    const known = memory.get(request.admissionKey)
    const admission = known?.kind === 'admission' ? known : null
    const { view, viewKey } = request
    const credential = tierCredential(request, request.credential, (each) => sharing.scopeOf(each))
    const of = { tenant: view.tenant, viewKey, credential, pinnedVersion: null }
    await tier.keep({ ...of, grant, admission, representation })
  }

  /** In `tenant` sharing: whose bytes count, and whether two views have shown themselves. */
  #noteCurrent(request: ReadRequest, shown: Representation, witnessedAt: number): void {
    const { memory, fences, sharing } = this.#deps
    const key = currentKey(request.viewKey)
    const known = memory.get(key)
    const before = known?.kind === 'current' && isTrue(fences, known.stamp) ? known : undefined
    const { digests, returned } = remember(before?.digests ?? [], shown.digest)
    if (returned) sharing.trip(request.view.tenant, witnessedAt)
    const last = before?.digests.at(-1)
    if (last !== undefined && last !== shown.digest) {
      this.#overtaking.overtake(request, last, shown, witnessedAt)
    }
    const { version, stamp } = shown
    const current: Current = { kind: 'current', digests, version, witnessedAt, stamp }
    memory.set(key, current, request.view.tenant)
  }

  #noteParent(request: ReadRequest, parent: string | null, stamp: FenceStamp): void {
    if (request.route.parentMember === null) return
    const { tenant } = request.view
    const key = lineageKey(tenant, request.route.subject, subjectOf(request))
    const own = subjectFence(tenant, request.route.subject, subjectOf(request))
    const guard = only(stamp, own)
    this.#deps.memory.set(key, { kind: 'lineage', parent, stamp: guard }, tenant)
  }
}

/** `slice`: what `filter` returns has room for more, and is kept as long as the record. */
function without(stamp: FenceStamp, fence: Key): FenceStamp {
  return stamp.filter(([name]) => name !== fence).slice()
}

function only(stamp: FenceStamp, fence: Key): FenceStamp {
  return stamp.filter(([name]) => name === fence).slice()
}

/**
 * The cache: READ SECOND, after `http/pipeline.ts`.
 *
 * `lookup` is the whole way of a hit: synchronous, from memory, knowing nothing of any front end.
 * `read` is the way of everything else: wait for another's fill, or ask the upstream, keep what may be
 * kept, and answer. Who may be answered with what is decided in `entitlement.ts`, what an answer proves
 * in `witness.ts`, what may be stored in `policy.ts`; here is only the order of things.
 */
import type { Clock } from '../lib/clock.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import { Coalescer, type Flight } from './coalesce.ts'
import { judge, type Standing, type Verdict } from './entitlement.ts'
import type { Fences, OpenFence } from './fence.ts'
import { type FillDependencies, FillStore, type Kept } from './fill.ts'
import { credentialFence, currentKey, encodeParts, type Key, representationKey } from './key.ts'
import { hit, NOT_CACHED, type Tier } from './outcome.ts'
import type { BufferedAnswer, Fetch, StreamedAnswer } from './ports.ts'
import type { Grant, Representation, StoredRecord, Superseded, Withdrawal } from './records.ts'
import { fencesOf, kinOf, type ReadRequest } from './request.ts'
import { failure, followed, type Landing, type MissVerdict, type Served, serve } from './served.ts'
import type { Answered } from './standing.ts'
import { TierWalk } from './tier-walk.ts'

export interface CacheDependencies extends FillDependencies {
  readonly clock: Clock
}

/** How a read may go to the upstream, if it must. */
export interface FillTerms {
  readonly fetch: Fetch
  /** Monotonic milliseconds by which `fetch` gives up. */
  readonly deadline: number
  /** False when the credential's version pin is in doubt: then only an own request will do. */
  readonly mayJoin: boolean
}

export type Hit = Extract<Served, { kind: 'representation' }>
export type Miss = { readonly kind: 'miss'; readonly verdict: MissVerdict }

const NOTHING_KEPT: Kept = { representation: null, rejected: null, shared: Promise.resolve() }

export class Cache {
  readonly #deps: CacheDependencies
  readonly #fences: Fences
  readonly #fills: FillStore
  /** Null lands where another instance has filled: to be looked up again. */
  readonly #flights = new Coalescer<Landing | null>()
  readonly #walk: TierWalk | null

  constructor(dependencies: CacheDependencies) {
    this.#deps = dependencies
    this.#fences = dependencies.fences
    this.#fills = new FillStore(dependencies)
    const { tier } = dependencies
    this.#walk = tier === null ? null : new TierWalk({ ...dependencies, tier })
  }

  /** One walk through the memory tier. Synchronous: no promise, no fetch, no wait. */
  lookup(request: ReadRequest, tier: Tier = 'memory'): Hit | Miss {
    const { clock } = this.#deps
    const now = clock.monotonic()
    const verdict = this.#judge(request, now)
    if (verdict.kind !== 'serve') return { kind: 'miss', verdict }
    const { representation } = verdict
    const age = Math.floor((now - representation.generatedAt) / 1000)
    const ttl = Math.floor((representation.freshUntil - now) / 1000)
    return { kind: 'representation', representation, outcome: hit(tier, age, ttl) }
  }

  /**
   * Answers a read, whatever it takes. The upstream is asked at most once, and not at all when
   * another's fill will do. Never rejects: a failing upstream is a value.
   */
  async read(request: ReadRequest, terms: FillTerms): Promise<Served> {
    // 1. From memory, or from the tier that all instances share.
    const found = this.lookup(request)
    if (found.kind !== 'miss') return found
    const isBrought = await this.#walk?.bring(request, found.verdict)
    const again = isBrought ? this.lookup(request, 'redis') : found
    if (again.kind !== 'miss') return again
    const { verdict } = again
    // 2. The client wants it from the store or not at all.
    if (request.directives.onlyIfCached) return failure('not-cached', NOT_CACHED)
    return this.#followOrFill(request, verdict, terms)
  }

  async #followOrFill(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
  ): Promise<Served> {
    // 3. Another credential, or this one, is already asking for the bytes that this one holds.
    const refresh = verdict.kind === 'refresh' ? this.#refreshKey(request, verdict.digest) : null
    const refreshing = refresh === null ? undefined : this.#flights.find(refresh)
    if (refreshing !== undefined) {
      const served = await this.#followRefresh(request, verdict, refreshing)
      if (served !== null) return served
    }
    // 4. This credential is already asking for this view.
    const key = this.#fillKey(request)
    const filling = this.#joinable(request, key, terms)
    if (filling !== undefined) {
      const landing = await filling.landed
      if (landing === null) return this.#lookAgain(request, terms, key)
      if (landing.answer.kind !== 'streamed') return serve(verdict, landing, filling)
      // A body that is streamed can't be shared: ask alone, and let nobody wait for it.
      return serve(verdict, await this.#fill(request, terms), null, false)
    }
    // 5. Ask, keep what may be kept, answer.
    const keys = refresh === null || refreshing !== undefined ? [key] : [key, refresh]
    const led = this.#launch(request, keys, () => this.#fillInTurn(request, verdict, terms))
    const landing = await led.landed
    return landing === null ? this.#lookAgain(request, terms, key) : serve(verdict, landing, null)
  }

  /** Another instance has asked the upstream meanwhile. If that was of no use here, ask after all. */
  async #lookAgain(request: ReadRequest, terms: FillTerms, key: Key): Promise<Served> {
    const found = this.lookup(request, 'redis')
    if (found.kind !== 'miss') return found
    const joined = this.#joinable(request, key, terms)
    const flight = joined ?? this.#launch(request, [key], () => this.#fill(request, terms))
    const landing = await flight.landed
    const isShared = landing !== null && landing.answer.kind !== 'streamed'
    if (landing !== null && (joined === undefined || isShared)) {
      return serve(found.verdict, landing, joined ?? null)
    }
    return serve(found.verdict, await this.#fill(request, terms), null, false)
  }

  #joinable(request: ReadRequest, key: Key, { mayJoin }: FillTerms) {
    const flight = mayJoin ? this.#flights.find(key) : undefined
    return flight?.holder === request.credential.holder ? flight : undefined
  }

  #launch(request: ReadRequest, keys: readonly Key[], work: () => Promise<Landing | null>) {
    const who = { holder: request.credential.holder, requestId: request.requestId }
    return this.#flights.launch(keys, who, work)
  }

  /** Asks on behalf of all instances, or waits for the one that does. Null: that one has. */
  async #fillInTurn(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
  ): Promise<Landing | null> {
    const turn = await this.#walk?.takeTurn(request, verdict)
    if (turn === undefined) return this.#fill(request, terms)
    if (!turn.isOurs) {
      await turn.landed
      await this.#walk?.bringAnew(request)
      return null
    }
    const landing = this.#fill(request, terms)
    // Who waits elsewhere looks into the shared tier: what it is to find there must be there.
    const end = (): void => turn.end()
    void landing.then(({ kept }) => kept.shared).then(end, end)
    return landing
  }

  /** Gathers what bears on the question; `judge` answers it. */
  #judge(request: ReadRequest, now: number): Verdict {
    const { memory, sharing } = this.#deps
    const { view, viewKey, partition } = request
    const isPlain = sharing.of(view.tenant, now) === 'tenant'
    const own = asGrant(memory.get(request.grantKey))
    // Plain sharing gives what nobody was given, but never what the upstream refused.
    const grant = isPlain && own?.kind !== 'withdrawal' ? this.#plainGrant(request) : own
    const named = grant?.kind === 'grant' ? grant : undefined
    const representation =
      named === undefined
        ? undefined
        : memory.get(representationKey(viewKey, sharing.scopeOf(partition), named.digest))
    const admission = memory.get(request.admissionKey)
    const standing: Standing = {
      holder: request.credential.holder,
      grant,
      grantHolds: named !== undefined && this.#fences.holds(named.stamp),
      admission: admission?.kind === 'admission' ? admission : undefined,
      admissionHolds: admission?.kind === 'admission' && this.#fences.holds(admission.stamp),
      representation: asRepresentation(representation),
      representationHolds:
        representation?.kind === 'representation' && this.#fences.holds(representation.stamp),
      pinnedVersion: request.pins.current(partition, view.version),
    }
    return judge(standing, request.directives, now)
  }

  /** In `tenant` sharing, what anyone was last given counts as granted to all who are admitted. */
  #plainGrant({ viewKey, credential }: ReadRequest): Grant | undefined {
    const current = this.#deps.memory.get(currentKey(viewKey))
    if (current?.kind !== 'current') return undefined
    const { version, witnessedAt, stamp, digests } = current
    const digest = digests.at(-1) as string
    const { holder } = credential
    return { kind: 'grant', holder, digest, version, witnessedAt, expiresAt: Infinity, stamp }
  }

  /**
   * Waits for a refresh of the bytes that this credential holds. If it brings the same bytes, they are
   * judged again, now, for this credential; if it brings others, they are none of its business.
   */
  async #followRefresh(
    request: ReadRequest,
    verdict: MissVerdict,
    flight: Flight<Landing | null>,
  ): Promise<Served | null> {
    const landing = await flight.landed
    if (landing?.answer.kind === 'unreachable' || landing?.answer.kind === 'timeout') {
      return serve(verdict, landing, flight)
    }
    const found = this.lookup({ ...request, directives: NO_DIRECTIVES })
    if (found.kind === 'miss') return null
    return { ...found, outcome: followed(verdict, flight.requestId) }
  }

  /** One fill, from the fences that it starts under to what is kept of its answer. */
  async #fill(request: ReadRequest, terms: FillTerms): Promise<Landing> {
    const { clock, reporter, standings } = this.#deps
    const startedAt = clock.monotonic()
    const opened = await this.#fences.open(fencesOf(request), kinOf(request))
    const answer = await terms.fetch(terms.deadline)
    if (answer.kind === 'unreachable' || answer.kind === 'timeout') {
      reporter.filled('failed', clock.monotonic() - startedAt)
      return { answer, kept: NOTHING_KEPT, ttl: null }
    }
    await standings.learn(answered(request, opened, answer))
    const kept = await this.#keep(request, opened, answer)
    const ttl = this.#secondsLeft(kept)
    reporter.filled(ttl === null ? 'rejected' : 'stored', clock.monotonic() - startedAt)
    return { answer, kept, ttl }
  }

  #secondsLeft({ representation, rejected }: Kept): number | null {
    if (representation === null || rejected !== null) return null
    const left = representation.freshUntil - this.#deps.clock.monotonic()
    return Math.max(0, Math.floor(left / 1000))
  }

  async #keep(
    request: ReadRequest,
    opened: OpenFence,
    answer: BufferedAnswer | StreamedAnswer,
  ): Promise<Kept> {
    if (answer.kind === 'buffered') return this.#fills.keep(request, opened, answer)
    if (answer.status === 200) this.#fills.giveUp(request, answer.sentAt)
    return { ...NOTHING_KEPT, rejected: answer.status === 200 ? 'size' : 'status' }
  }

  /**
   * The fences are part of a flight's key, so that a read never joins a fill from before a write:
   *
   * 1. A reads; its fill leaves for the upstream, which renders the old bytes.
   * 2. B writes through this process; the write is applied, the fences change, B is answered.
   * 3. B reads. Under A's key it would be handed the old bytes after its own write was confirmed.
   *
   * The same goes for a write to the record's parent, which is not known yet: hence the kin fence.
   */
  #fillKey(request: ReadRequest): Key {
    const fences = this.#fences.peek(withKin(request, fencesOf(request)))
    return encodeParts('fill', request.viewKey, request.partition, fences)
  }

  #refreshKey(request: ReadRequest, digest: string): Key {
    const [tenant, subject] = fencesOf(request) as [Key, Key]
    const scope = this.#deps.sharing.scopeOf(request.partition)
    const fences = this.#fences.peek(withKin(request, [tenant, subject]))
    return encodeParts('refresh', request.viewKey, scope, digest, fences)
  }
}

function withKin(request: ReadRequest, names: readonly Key[]): readonly Key[] {
  const kin = kinOf(request)
  return kin === null ? names : [...names, kin]
}

function asGrant(record: StoredRecord | undefined): Grant | Withdrawal | undefined {
  return record?.kind === 'grant' || record?.kind === 'withdrawal' ? record : undefined
}

function asRepresentation(
  record: StoredRecord | undefined,
): Representation | Superseded | undefined {
  return record?.kind === 'representation' || record?.kind === 'superseded' ? record : undefined
}

function answered(
  request: ReadRequest,
  opened: OpenFence,
  { status, sentAt }: BufferedAnswer | StreamedAnswer,
): Answered {
  const { view, credential } = request
  const stamp = opened.stamp.filter(([name]) => name === credentialFence(credential.partition))
  return { tenant: view.tenant, credential, status, sentAt, stamp, vouches: true, resource: view }
}

/**
 * The cache: READ SECOND, after `http/pipeline.ts`.
 *
 * `lookup` is the whole way of a hit: synchronous, from memory, knowing nothing of any front end.
 * `read` is the way of everything else: wait for another's fill, or ask the upstream, keep what may be
 * kept, and answer. Who may be answered with what is decided in `entitlement.ts`, what an answer proves
 * in `witness.ts`, what may be stored in `policy.ts`; here is only the order of things.
 */
import { Backoff } from './backoff.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Coalescer, Flight, Leader } from './coalesce.ts'
import { Evidence } from './evidence.ts'
import type { Fences } from './fence.ts'
import type { FillDependencies } from './fill.ts'
import { fillKey, isJoinable, refreshKeyOf } from './flight-keys.ts'
import type { Key } from './key.ts'
import type { LastRejects } from './last-rejects.ts'
import { lookUp, type Miss, serveStale, spare } from './lookup.ts'
import { type FillTerms, OriginFill } from './origin-fill.ts'
import { NOT_CACHED, type Tier } from './outcome.ts'
import { endWith, follow, noteLookup } from './read-trace.ts'
import { Refreshes } from './refreshes.ts'
import type { ReadRequest } from './request.ts'
import {
  discard,
  followed,
  type Hit,
  hasFailed,
  isFailure,
  isShareable,
  type Landing,
  type MissVerdict,
  notCached,
  type Served,
  serve,
} from './served.ts'
import { TierWalk } from './tier-walk.ts'

export interface CacheDependencies extends FillDependencies {
  /** What is under way. Null lands where another instance has filled: to be looked up again. */
  readonly flights: Coalescer<Landing | null>
  readonly rejects: LastRejects
}

export class Cache {
  readonly #deps: CacheDependencies
  readonly #fences: Fences
  readonly #origin: OriginFill
  readonly #flights: Coalescer<Landing | null>
  readonly #walk: TierWalk | null
  readonly #evidence: Evidence
  readonly #refreshes: Refreshes

  constructor(dependencies: CacheDependencies) {
    this.#deps = dependencies
    this.#fences = dependencies.fences
    this.#flights = dependencies.flights
    this.#origin = new OriginFill(dependencies)
    this.#evidence = new Evidence(dependencies)
    this.#refreshes = new Refreshes(new Backoff(dependencies.clock, dependencies.random))
    const { tier } = dependencies
    this.#walk = tier === null ? null : new TierWalk({ ...dependencies, tier })
  }

  /**
   * One walk through the memory tier. Synchronous: no promise, no fetch, no wait.
   *
   * @param now monotonic milliseconds
   */
  lookup(request: ReadRequest, now: number): Hit | Miss {
    const found = this.#lookupFresh(request, 'memory', now)
    if (found.kind !== 'miss') return found
    const stale = serveStale(found, request.directives, this.#deps.lifetimes, now)
    return stale === null ? found : marked(stale, now)
  }

  #lookupFresh(request: ReadRequest, tier: Tier, now = this.#deps.clock.monotonic()): Hit | Miss {
    return marked(lookUp(this.#evidence.of(request, now), request.directives, tier, now), now)
  }

  /**
   * Answers a read, whatever it takes. The upstream is asked at most once, and not at all when
   * another's fill will do. A failing upstream is a value, and costs its holders freshness.
   *
   * @throws what is a fault of our own: nothing is served for it
   */
  async read(request: ReadRequest, terms: FillTerms): Promise<Served> {
    const served = await this.#readFresh(request, terms)
    return hasFailed(served) ? this.#spare(request, served) : served
  }

  /**
   * Refreshes a copy that was served stale, on behalf of the credential that was served it. One at a
   * time for each copy, and with pauses where it fails.
   */
  async refresh(request: ReadRequest, terms: FillTerms): Promise<Served | null> {
    const plain = { ...request, directives: NO_DIRECTIVES }
    const work = (): Promise<Served> => this.#readFresh(plain, terms)
    const served = await this.#refreshes.run(request.viewKey, work, hasFailed)
    if (served !== null) discard(served)
    return served
  }

  async #readFresh(request: ReadRequest, terms: FillTerms): Promise<Served> {
    // 1. From memory, or from the tier that all instances share.
    const found = this.#lookupFresh(request, 'memory')
    if (found.kind !== 'miss') return found
    const bringing = this.#walk?.bring(request, found.verdict)
    const isBrought = await (bringing && terms.times.during('redis', bringing))
    const again = isBrought ? this.#lookupFresh(request, 'redis') : found
    if (isBrought !== undefined) noteLookup(terms.span, 'redis', isBrought ? again : null)
    if (again.kind !== 'miss') return again
    const { verdict } = again
    // 2. The client wants it from the store or not at all.
    if (request.directives.onlyIfCached) return notCached(NOT_CACHED)
    return this.#followOrFill(request, verdict, terms)
  }

  /** The upstream has failed: what the credential holds may do for a while. */
  #spare(request: ReadRequest, failed: Served): Served {
    const now = this.#deps.clock.monotonic()
    const { view, directives } = request
    const standing = this.#evidence.of(request, now)
    const copy = spare(standing, view.version, directives, this.#deps.lifetimes, now)
    if (copy === null) return failed
    discard(failed)
    return marked(copy, now)
  }

  async #followOrFill(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
  ): Promise<Served> {
    const { rejects, sharing, clock } = this.#deps
    // Answers that can't be kept are not waited for, or they would queue behind one another.
    // guard: uncacheable-views
    const mayWait = !rejects.isUncacheable(request.grantKey, clock.monotonic())
    // 3. Another credential, or this one, is already asking for the bytes that this one holds.
    const refresh = refreshKeyOf(request, verdict, sharing.scopeOf(request.partition), this.#fences)
    const refreshing = refresh === null ? undefined : this.#flights.find(refresh)
    if (refreshing !== undefined && mayWait) {
      const served = await this.#followRefresh(request, verdict, terms, refreshing)
      if (served !== null) return served
    }
    // 4. This credential is already asking for this view.
    const key = fillKey(request, this.#fences)
    const filling = this.#joinable(request, key, terms)
    if (filling !== undefined) {
      if (!mayWait) return this.#fillAlone(request, verdict, terms, null)
      const landing = await follow(terms, filling)
      if (landing === null) return this.#lookAgain(request, terms, key)
      const served = this.#servedByFill(request, verdict, landing, filling)
      return served ?? this.#fillAlone(request, verdict, terms)
    }
    // 5. Ask, keep what may be kept, answer.
    const keys = refresh === null || refreshing !== undefined ? [key] : [key, refresh]
    const fill = mayWait
      ? (own: FillTerms) => this.#fillInTurn(request, verdict, own)
      : (own: FillTerms) => this.#origin.fill(request, own)
    const landing = await this.#launch(request, terms, keys, fill).landed
    return landing === null ? this.#lookAgain(request, terms, key) : serve(verdict, landing, null)
  }

  /** Null: this credential has to ask for itself. */
  async #followRefresh(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
    flight: Flight<Landing | null>,
  ): Promise<Served | null> {
    const landing = await follow(terms, flight)
    const served = this.#servedByRefresh(request, verdict, landing, flight)
    if (served !== null || !isUnshareable200(landing)) return served
    return this.#fillAlone(request, verdict, terms)
  }

  /** Another instance has asked the upstream meanwhile. If that was of no use here, ask after all. */
  async #lookAgain(request: ReadRequest, terms: FillTerms, key: Key): Promise<Served> {
    const found = this.#lookupFresh(request, 'redis')
    noteLookup(terms.span, 'redis', found)
    if (found.kind !== 'miss') return found
    const { verdict } = found
    const joined = this.#joinable(request, key, terms)
    if (joined === undefined) {
      const fill = (own: FillTerms): Promise<Landing> => this.#origin.fill(request, own)
      const landing = await this.#launch(request, terms, [key], fill).landed
      if (landing !== null) return serve(verdict, landing, null)
    } else {
      const landing = await follow(terms, joined)
      const served = landing === null ? null : this.#servedByFill(request, verdict, landing, joined)
      if (served !== null) return served
    }
    return this.#fillAlone(request, verdict, terms)
  }

  #joinable(request: ReadRequest, key: Key, { mayJoin }: FillTerms) {
    const flight = this.#flights.find(key)
    return isJoinable(flight, request, mayJoin) ? flight : undefined
  }

  #launch(
    { credential }: ReadRequest,
    terms: FillTerms,
    keys: readonly Key[],
    work: (own: FillTerms) => Promise<Landing | null>,
  ) {
    const span = terms.span.begin('fill')
    const who = { holder: credential.holder, requestId: terms.requestId, fill: span.context }
    const flight = this.#flights.launch(keys, who, () => work({ ...terms, span }))
    endWith(span, flight.landed)
    return flight
  }

  /** Asks, and lets nobody wait for it. @param collapsed false: something was waited for that can't be shared */
  async #fillAlone(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
    collapsed: false | null = false,
  ): Promise<Served> {
    const span = terms.span.begin('fill')
    const landed = this.#origin.fill(request, { ...terms, span })
    endWith(span, landed)
    return serve(verdict, await landed, null, collapsed)
  }

  /** Asks on behalf of all instances, or waits for the one that does. Null: that one has. */
  async #fillInTurn(
    request: ReadRequest,
    verdict: MissVerdict,
    terms: FillTerms,
  ): Promise<Landing | null> {
    const taking = this.#walk?.takeTurn(request, verdict)
    const turn = await (taking && terms.times.during('wait', taking))
    if (turn === null) return null
    const landing = this.#origin.fill(request, terms)
    // Who waits elsewhere looks into the shared tier: what it is to find there must be there.
    const end = (): void => turn?.end()
    void landing.then(({ kept }) => kept.shared).then(end, end)
    return landing
  }

  /**
   * What this credential has asked for already has landed; null: it is for the request that asked. The copy that the
   * credential holds does while the upstream fails: that is no reason for all who wait to ask it again.
   */
  #servedByFill(
    request: ReadRequest,
    verdict: MissVerdict,
    landing: Landing,
    flight: Leader,
  ): Served | null {
    const served = serve(verdict, landing, flight)
    if (isShareable(landing)) return served
    const copy = hasFailed(served) ? this.#spare(request, served) : served
    return copy === served ? null : copy
  }

  /**
   * A refresh of the bytes that this credential holds has landed. If it brings the same bytes, they are
   * judged again, now, for this credential; if it brings others, they are none of its business.
   */
  #servedByRefresh(
    request: ReadRequest,
    verdict: MissVerdict,
    landing: Landing | null,
    flight: Leader,
  ): Served | null {
    if (landing !== null && isFailure(landing.answer)) {
      return serve(verdict, landing, flight)
    }
    const found = this.#lookupFresh({ ...request, directives: NO_DIRECTIVES }, 'memory')
    if (found.kind === 'miss') return null
    return { ...found, outcome: followed(verdict, flight.requestId) }
  }
}

/** A view that is not kept for whoever asked is hardly kept for another. A refusal says nothing of others. */
function isUnshareable200(landing: Landing | null): boolean {
  if (landing === null || isFailure(landing.answer)) return false
  return landing.answer.status === 200 && !isShareable(landing)
}

/** A copy that is served keeps when that was (`Representation.servedAt`). */
function marked<Found extends Hit | Miss>(found: Found, now: number): Found {
  if (found.kind !== 'miss') found.representation.servedAt = now
  return found
}

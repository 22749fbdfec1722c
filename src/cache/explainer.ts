/**
 * Gathers what bears on the next read of a credential, at one moment, and leaves no trace: nothing is adopted,
 * created, or counted as used. What follows from it is said by `prediction.ts` and `explanation.ts`.
 */
import type { RouteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { Coalescer, Leader } from './coalesce.ts'
import type { DigestRule } from './digest-rule.ts'
import { isAdmitted, type Standing } from './entitlement.ts'
import { Evidence } from './evidence.ts'
import { type Explanation, explain, type HolderProof, type Traits } from './explanation.ts'
import { type FenceSight, type Fences, holdsBySight } from './fence.ts'
import type { Lifetimes } from './fill.ts'
import { fillKey, isJoinable, refreshKeyOf } from './flight-keys.ts'
import type { HeaderChanges } from './header-changes.ts'
import {
  admissionKey,
  familyFence,
  grantKey,
  type Key,
  lineageKey,
  type View,
  viewKey,
} from './key.ts'
import type { LastRejects } from './last-rejects.ts'
import { lookUp, serveStale } from './lookup.ts'
import type { MemoryStore, TierSight, UpstreamFailure } from './ports.ts'
import type { Findings, UnderWay } from './prediction.ts'
import {
  fencesOf,
  kinOf,
  type Pins,
  type ReadRequest,
  type RequestCredential,
  readRequest,
  subjectOf,
} from './request.ts'
import type { Landing } from './served.ts'
import type { SharingMode } from './sharing.ts'
import { type Glanced, glanceAt, NOT_CONFIGURED, sightAfter, standingAfter } from './tier-glance.ts'

/** Whose next read, and of what. */
export interface Question {
  readonly match: RouteMatch
  readonly tenant: string
  /** Null: without the header. */
  readonly version: string | null
  readonly partition: string
}

/** What the cache itself does not know. */
export interface Surroundings {
  readonly pins: Pins & { mayJoin(partition: string, form: string | null): boolean }
  /** The credential, if this instance has seen its token of late. */
  credentialOf(partition: string): RequestCredential | null
  /** What a read of the tenant would be refused with, unsent; null: it would be sent. */
  refusal(tenant: string, isAccepted: boolean): UpstreamFailure | null
  isOverloaded(): boolean
  /** An operator has switched the cache off for the tenant. */
  isOff(tenant: string): boolean
  /** The tier that instances share; null: there is none. */
  readonly tier: TierSight | null
}

export interface ExplainerDependencies {
  readonly memory: Pick<MemoryStore, 'peek'>
  readonly fences: Pick<Fences, 'isInTouch' | 'sight'>
  readonly sharing: SharingMode
  readonly flights: Coalescer<Landing | null>
  readonly rejects: LastRejects
  readonly headerChanges: HeaderChanges
  readonly digestRule: DigestRule
  readonly lifetimes: Lifetimes
  readonly clock: Clock
}

interface Named {
  readonly credential: RequestCredential
  readonly proof: HolderProof
}

export class Explainer {
  readonly #deps: ExplainerDependencies
  readonly #evidence: Evidence

  constructor(dependencies: ExplainerDependencies) {
    this.#deps = dependencies
    const { memory, fences, sharing } = dependencies
    this.#evidence = new Evidence({
      memory: { get: (key) => memory.peek(key) },
      fences: {
        holds: (stamp) => holdsBySight(stamp, (name) => fences.sight(name)),
        sight: (name) => fences.sight(name),
      },
      sharing,
    })
  }

  async explain(question: Question, around: Surroundings): Promise<Explanation> {
    const named = this.#credentialOf(question, around)
    const request = requestOf(question, named.credential, around)
    const glanced = await this.#glance(request, named.proof, around)
    const found = this.#survey(request, around, glanced)
    return explain(found, this.#traits(request, named.proof, around, glanced))
  }

  /** What `predict` is to be asked with. */
  async survey(question: Question, around: Surroundings): Promise<Findings> {
    const { credential, proof } = this.#credentialOf(question, around)
    const request = requestOf(question, credential, around)
    return this.#survey(request, around, await this.#glance(request, proof, around))
  }

  async #glance(
    request: ReadRequest,
    proof: HolderProof,
    { tier, pins }: Surroundings,
  ): Promise<Glanced> {
    if (tier === null) return NOT_CONFIGURED
    const { clock, lifetimes } = this.#deps
    const now = clock.monotonic()
    const looked = lookUp(this.#evidence.of(request, now), NO_DIRECTIVES, 'memory', now)
    const isServed =
      looked.kind !== 'miss' || serveStale(looked, NO_DIRECTIVES, lifetimes, now) !== null
    const mayJoin = pins.mayJoin(request.partition, request.view.version)
    return glanceAt(
      { sight: tier, canOpen: proof === 'proved', sharing: this.#deps.sharing },
      request,
      isServed ? null : looked.verdict,
      (glance, at) => standingAfter(this.#deps, request, glance, mayJoin, at),
      clock,
    )
  }

  /** Everything at one moment: nothing is waited for in here. */
  #survey(
    request: ReadRequest,
    around: Surroundings,
    { state, glance, ...rest }: Glanced,
  ): Findings {
    const { lifetimes, clock } = this.#deps
    const now = clock.monotonic()
    const { tenant, version } = request.view
    const standing = this.#evidence.of(request, now)
    const mayJoin = around.pins.mayJoin(request.partition, version)
    const brought = standingAfter(this.#deps, request, glance, mayJoin, now)
    const parent = this.#parentOf(request)
    const underWay = this.#underWay(request, brought ?? standing, now, mayJoin)
    const mayWait = !this.#deps.rejects.isUncacheable(request.grantKey, now)
    return {
      now,
      version,
      standing,
      redis: state,
      brought,
      limits: lifetimes,
      ttlMs: lifetimes.ttlMs,
      underWay: { ...underWay, isElsewhere: rest.isTurnTaken && mayWait },
      parent,
      isWritePending: this.#isWritePending(request, parent, sightAfter(this.#deps, glance)),
      isInTouch: this.#deps.fences.isInTouch(),
      refusal: around.refusal(tenant, isAdmitted(standing, now)),
      isOverloaded: around.isOverloaded(),
      isOff: around.isOff(tenant),
    }
  }

  #traits(
    request: ReadRequest,
    proof: HolderProof,
    { pins }: Surroundings,
    { glance }: Glanced,
  ): Traits {
    const { sharing, fences, rejects, headerChanges, lifetimes, clock } = this.#deps
    const { view, partition, grantKey: grant, admissionKey: admission } = request
    const kin = kinOf(request)
    return {
      keys: { view: request.viewKey, grant, admission },
      scope: sharing.scopeOf(partition),
      proof,
      sharing: {
        configured: sharing.configured,
        inForce: sharing.of(view.tenant, clock.monotonic()),
      },
      sight: (name) => fences.sight(name),
      sightAfter: sightAfter(this.#deps, glance),
      fences: kin === null ? fencesOf(request) : [...fencesOf(request), kin],
      mayJoin: pins.mayJoin(partition, view.version),
      ttlJitter: lifetimes.ttlJitter,
      lastReject: rejects.of(grant),
      lastHeaderChange: headerChanges.of(request.viewKey),
    }
  }

  /**
   * Records are for the bearer of a token, and who asks here has none. Where this instance has not seen the token,
   * the proof of it is taken from the records themselves: one partition is one token, unless a fault in our keys
   * makes it two, and then the next request is answered with less than is foretold here, never with more.
   */
  #credentialOf({ match, tenant, version, partition }: Question, around: Surroundings): Named {
    const known = around.credentialOf(partition)
    if (known !== null) return { credential: known, proof: 'proved' }
    const view: View = { tenant, route: match.route.name, params: match.params, version }
    const { memory } = this.#deps
    const records = [grantKey(viewKey(view), partition), admissionKey(tenant, partition)]
    const [holder] = records.flatMap((key) => {
      const record = memory.peek(key)
      return record?.kind === 'grant' || record?.kind === 'admission' ? [record.holder] : []
    })
    const credential = { partition, holder: holder ?? '', sealFor: () => NO_SEAL, former: [] }
    return { credential, proof: holder === undefined ? 'none' : 'assumed' }
  }

  #underWay(
    request: ReadRequest,
    standing: Standing,
    now: number,
    mayJoin: boolean,
  ): Omit<UnderWay, 'isElsewhere'> {
    const { flights, sharing, fences, rejects } = this.#deps
    const looked = lookUp(standing, NO_DIRECTIVES, 'memory', now)
    const nothing = { refresh: null, fill: null }
    if (looked.kind !== 'miss' || rejects.isUncacheable(request.grantKey, now)) return nothing
    // What `peek` would make anew, no flight has in its key.
    const markOf = (name: Key): string => fences.sight(name).mark ?? '?'
    const marks = { peek: (names: readonly Key[]) => names.map(markOf).join(',') }
    const { partition } = request
    const refresh = refreshKeyOf(request, looked.verdict, sharing.scopeOf(partition), marks)
    const fill = flights.find(fillKey(request, marks))
    return {
      refresh: (refresh === null ? undefined : flights.find(refresh)) ?? null,
      fill: fill !== undefined && isJoinable(fill, asHeld(request, fill), mayJoin) ? fill : null,
    }
  }

  #parentOf(request: ReadRequest): string | null {
    const { view, route } = request
    const key = lineageKey(view.tenant, route.subject, subjectOf(request))
    const lineage = this.#deps.memory.peek(key)
    return lineage?.kind === 'lineage' ? lineage.parent : null
  }

  #isWritePending(
    request: ReadRequest,
    parent: string | null,
    sight: (name: Key) => FenceSight,
  ): boolean {
    const { view, route } = request
    const family = parent === null ? [] : [familyFence(view.tenant, route.subject, parent)]
    return [...fencesOf(request), ...family].some((name) => sight(name).isPending)
  }
}

const NO_SEAL = Buffer.alloc(0)

/** Where no record says whose they are, a flight of the same partition is taken for the credential's own. */
function asHeld(request: ReadRequest, { holder }: Leader): ReadRequest {
  const { credential } = request
  return credential.holder === '' ? { ...request, credential: { ...credential, holder } } : request
}

function requestOf(
  { match, tenant, version }: Question,
  credential: RequestCredential,
  { pins }: Surroundings,
): ReadRequest {
  const directives = NO_DIRECTIVES
  return readRequest({ match, tenant, version, credential, directives, pins })
}

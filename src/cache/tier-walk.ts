/**
 * One walk through the tier that all instances share: what it has for a credential is taken into memory,
 * where the same rules judge it as ever. Requests for the same thing share one walk.
 */
import type { Clock } from '../lib/clock.ts'
import type { Fences } from './fence.ts'
import { encodeParts, type Key } from './key.ts'
import type { MemoryStore, SharedTier, TierFound, Turn } from './ports.ts'
import type { Admission, Representation } from './records.ts'
import type { Reporter } from './report.ts'
import { type ReadRequest, tierCredential, tierQuery } from './request.ts'
import type { MissVerdict } from './served.ts'
import type { SharingMode } from './sharing.ts'

export interface TierWalkDependencies {
  readonly tier: SharedTier
  readonly memory: MemoryStore
  readonly sharing: SharingMode
  readonly fences: Pick<Fences, 'holds'>
  readonly clock: Clock
  readonly reporter: Pick<Reporter, 'walked'>
}

export class TierWalk {
  readonly #deps: TierWalkDependencies
  readonly #walks = new Map<Key, Promise<boolean>>()

  constructor(dependencies: TierWalkDependencies) {
    this.#deps = dependencies
  }

  /** True: something was found, and memory is worth another look. */
  async bring(request: ReadRequest, verdict: MissVerdict): Promise<boolean> {
    if (!this.#deps.tier.isUsable || !mayHelp(verdict)) return false
    return this.#walks.get(nameOf(request)) ?? this.bringAnew(request)
  }

  /** As `bring`, seeing all that was stored before: a walk that is under way may have passed it by. */
  async bringAnew(request: ReadRequest): Promise<boolean> {
    const name = nameOf(request)
    const walk = this.#bring(request).finally(() => {
      if (this.#walks.get(name) === walk) this.#walks.delete(name)
    })
    this.#walks.set(name, walk)
    return walk
  }

  /** Undefined: there is nobody to take turns with. */
  async takeTurn(request: ReadRequest, verdict: MissVerdict): Promise<Turn | undefined> {
    const { tier, sharing } = this.#deps
    if (!tier.isUsable || !mayHelp(verdict)) return undefined
    const { view, viewKey, partition } = request
    const key =
      verdict.kind === 'refresh'
        ? encodeParts('refresh', viewKey, sharing.scopeOf(partition), verdict.digest)
        : encodeParts('fill', viewKey, partition)
    return tier.takeTurn(view.tenant, key)
  }

  async #bring(request: ReadRequest): Promise<boolean> {
    const { tier, sharing, clock, reporter } = this.#deps
    const before = clock.monotonic()
    const found = await tier.read(tierQuery(request, (each) => sharing.scopeOf(each)))
    reporter.walked(clock.monotonic() - before)
    if (found === null) return false
    if (found.pinnedVersion !== null) request.pins.adopt(request.partition, found.pinnedVersion)
    return this.#adopt(request, found)
  }

  /** Into memory goes what is newer than what is there. Synchronous: nothing can come in between. */
  #adopt(request: ReadRequest, found: TierFound): boolean {
    const { memory, sharing, tier } = this.#deps
    const { holder } = request.credential
    // The seal has proved whose they are.
    const admission = found.admission === null ? null : { ...found.admission, holder }
    if (admission !== null) this.#adoptAdmission(request.admissionKey, admission)
    if (found.grant === null) return admission !== null
    const grant = { ...found.grant, holder }
    const held = memory.get(request.grantKey)
    const isKnown = held?.kind === 'grant' || held?.kind === 'withdrawal'
    if (isKnown && held.witnessedAt > grant.witnessedAt) return true
    memory.set(request.grantKey, grant)
    const { representation } = found
    if (representation === null) return true
    this.#adoptRepresentation(request, representation)
    if (found.isFormer) {
      const scopeOf = (partition: string): string => sharing.scopeOf(partition)
      const credential = tierCredential(request, request.credential, scopeOf)
      const { view, viewKey } = request
      const of = { tenant: view.tenant, viewKey, credential, pinnedVersion: found.pinnedVersion }
      void tier.keep({ ...of, grant, admission, representation })
    }
    return true
  }

  #adoptAdmission(key: Key, admission: Admission): void {
    const { memory } = this.#deps
    const known = memory.get(key)
    const isLater = known?.kind !== 'admission' || admission.expiresAt > known.expiresAt
    if (isLater) memory.set(key, admission)
  }

  #adoptRepresentation(request: ReadRequest, representation: Representation): void {
    const { memory, sharing, fences } = this.#deps
    const scope = sharing.scopeOf(request.partition)
    const key = request.representationKey(scope, representation.digest)
    const present = memory.get(key)
    const isOvertaken = present?.kind === 'superseded' && present.at >= representation.generatedAt
    // What memory has may be of no use any more, however long it would be fresh.
    const isOlder =
      present?.kind === 'representation' &&
      fences.holds(present.stamp) &&
      present.freshUntil >= representation.freshUntil
    if (!isOvertaken && !isOlder) memory.set(key, representation)
  }
}

function nameOf({ grantKey, credential }: ReadRequest): Key {
  return encodeParts(grantKey, credential.holder)
}

/** What no other instance can know better, the tier is not asked for. */
function mayHelp(verdict: MissVerdict): boolean {
  if (verdict.kind === 'refresh') return verdict.why !== 'request'
  return verdict.reason !== 'withdrawn' && verdict.reason !== 'superseded'
}

/**
 * One walk through the tier that all instances share: what it has for a credential is taken into memory,
 * where the same rules judge it as ever. Requests for the same thing share one walk.
 */
import type { Clock } from '../lib/clock.ts'
import { adopt } from './adoption.ts'
import type { Fences } from './fence.ts'
import { encodeParts, type Key } from './key.ts'
import type { MemoryStore, SharedTier, TierFound, Turn } from './ports.ts'
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
    const key = turnKey(request, verdict, sharing.scopeOf(request.partition))
    return tier.takeTurn(request.view.tenant, key)
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

  #adopt(request: ReadRequest, found: TierFound): boolean {
    const { sharing, tier } = this.#deps
    const scopeOf = (partition: string): string => sharing.scopeOf(partition)
    const adopted = adopt(this.#deps, request, found, scopeOf)
    const { representation, pinnedVersion } = found
    if (adopted.grant !== null && representation !== null && found.isFormer) {
      const credential = tierCredential(request, request.credential, scopeOf)
      const { view, viewKey } = request
      const of = { tenant: view.tenant, viewKey, credential, pinnedVersion }
      void tier.keep({ ...of, grant: adopted.grant, admission: adopted.admission, representation })
    }
    return adopted.isAny
  }
}

function nameOf({ grantKey, credential }: ReadRequest): Key {
  return encodeParts(grantKey, credential.holder)
}

/** What no other instance can know better, the tier is not asked for. */
export function mayHelp(verdict: MissVerdict): boolean {
  if (verdict.kind === 'refresh') return verdict.why !== 'request'
  return verdict.reason !== 'withdrawn' && verdict.reason !== 'superseded'
}

/** Whose turn it is to ask the upstream is settled for what the answer may be shared by. */
export function turnKey(
  { viewKey, partition }: ReadRequest,
  verdict: MissVerdict,
  scope: string,
): Key {
  return verdict.kind === 'refresh'
    ? encodeParts('refresh', viewKey, scope, verdict.digest)
    : encodeParts('fill', viewKey, partition)
}

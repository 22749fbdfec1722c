/**
 * One walk through the tier that all instances share: what it has for a credential is taken into memory,
 * where the same rules judge it as ever. Requests for the same thing share one walk.
 */
import type { Clock } from '../lib/clock.ts'
import { adopt } from './adoption.ts'
import type { DigestRule } from './digest-rule.ts'
import type { Fences } from './fence.ts'
import { encodeParts, type Key } from './key.ts'
import type { MemoryStore, SharedTier, TierFound, Turn } from './ports.ts'
import type { Reporter } from './report.ts'
import { type ReadRequest, tierCredential, tierQuery } from './request.ts'
import type { MissVerdict } from './served.ts'
import type { SharingMode } from './sharing.ts'
import type { Standings } from './standing.ts'

export interface TierWalkDependencies {
  readonly tier: SharedTier
  readonly memory: MemoryStore
  readonly sharing: SharingMode
  readonly fences: Pick<Fences, 'holds'>
  readonly clock: Clock
  readonly reporter: Pick<Reporter, 'walked'>
  readonly standings: Pick<Standings, 'isAccepted'>
  readonly digestRule: DigestRule
}

export class TierWalk {
  readonly #deps: TierWalkDependencies
  readonly #walks = new Map<Key, Promise<boolean>>()
  /** Turns that walks have settled on the way, until somebody asks for them. */
  readonly #offered = new Map<Key, Turn>()

  constructor(dependencies: TierWalkDependencies) {
    this.#deps = dependencies
  }

  /** True: something was found, and memory is worth another look. */
  async bring(request: ReadRequest, verdict: MissVerdict): Promise<boolean> {
    if (!this.#deps.tier.isUsable || !mayHelp(verdict)) return false
    return (
      this.#walks.get(nameOf(request)) ??
      this.#launch(request, this.#turnOnTheWay(request, verdict))
    )
  }

  /** As `bring`, seeing all that was stored before: a walk that is under way may have passed it by. */
  async bringAnew(request: ReadRequest): Promise<boolean> {
    return this.#launch(request, null)
  }

  /**
   * The right to ask the upstream on behalf of all instances. Null: another instance has asked meanwhile, and what
   * is of use of that is in memory. Undefined: there is nobody to take turns with.
   */
  async takeTurn(request: ReadRequest, verdict: MissVerdict): Promise<Turn | null | undefined> {
    const { tier, sharing } = this.#deps
    // Of what is not stored, the others would find nothing.
    if (!mayHelp(verdict) || request.directives.noStore) return undefined
    const key = turnKey(request, verdict, sharing.scopeOf(request.partition))
    const offered = this.#offered.get(key)
    this.#offered.delete(key)
    if (offered === undefined && !tier.isUsable) return undefined
    const turn = offered ?? (await tier.takeTurn(request.view.tenant, key))
    if (turn.isOurs) return turn
    const inherited = await turn.landed
    const isBrought = await this.bringAnew(request)
    if (inherited === null || !isBrought) return inherited
    inherited.end()
    return null
  }

  /** What will be asked for if there is nothing: a view of which this credential holds nothing. */
  #turnOnTheWay(request: ReadRequest, verdict: MissVerdict): Key | null {
    const { onlyIfCached, noStore } = request.directives
    if (verdict.kind === 'refresh' || onlyIfCached || noStore) return null
    return turnKey(request, verdict, this.#deps.sharing.scopeOf(request.partition))
  }

  #launch(request: ReadRequest, turn: Key | null): Promise<boolean> {
    const name = nameOf(request)
    const walk = this.#bring(request, turn).finally(() => {
      if (this.#walks.get(name) === walk) this.#walks.delete(name)
    })
    this.#walks.set(name, walk)
    return walk
  }

  async #bring(request: ReadRequest, turnWanted: Key | null): Promise<boolean> {
    const { tier, sharing, clock, reporter, standings } = this.#deps
    const before = clock.monotonic()
    const isAccepted = standings.isAccepted(request.view.tenant, request.credential)
    const query = tierQuery(request, (each) => sharing.scopeOf(each), !isAccepted)
    const { found, turn } = await tier.read(query, turnWanted)
    if (turn !== null && turnWanted !== null) this.#offer(turnWanted, turn)
    reporter.walked(clock.monotonic() - before)
    if (found === null) return false
    if (found.pinnedVersion !== null) request.pins.adopt(request.partition, found.pinnedVersion)
    return this.#adopt(request, found)
  }

  /** Whoever has waited for the walk goes on at once; what nobody has taken by then, nobody will. */
  #offer(key: Key, turn: Turn): void {
    this.#offered.get(key)?.end()
    this.#offered.set(key, turn)
    setImmediate(() => {
      if (this.#offered.get(key) !== turn) return
      this.#offered.delete(key)
      turn.end()
    })
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

/** Ends the freshness of a copy: the upstream has shown something else to somebody who was shown the copy before. */
import type { Fences } from './fence.ts'
import { changedHeaders, type HeaderChanges } from './header-changes.ts'
import type { Key } from './key.ts'
import type { MemoryStore, SharedTier } from './ports.ts'
import type { Representation } from './records.ts'
import type { Reporter } from './report.ts'
import type { ReadRequest } from './request.ts'
import type { SharingMode } from './sharing.ts'

export interface OvertakingDependencies {
  readonly memory: MemoryStore
  readonly tier: Pick<SharedTier, 'supersede'> | null
  readonly fences: Pick<Fences, 'holds'>
  readonly sharing: SharingMode
  readonly headerChanges: HeaderChanges
  readonly reporter: Pick<Reporter, 'invalidated' | 'outdated' | 'headersChanged'>
}

export class Overtaking {
  readonly #deps: OvertakingDependencies

  constructor(dependencies: OvertakingDependencies) {
    this.#deps = dependencies
  }

  keyOf(request: ReadRequest, digest: string): Key {
    const scope = this.#deps.sharing.scopeOf(request.partition)
    return request.representationKey(scope, digest)
  }

  /**
   * Other bytes than these were shown. Past a known write that was to be expected: no client was served them since, so it
   * is no change that was found here.
   *
   * @param at when the request left; monotonic milliseconds
   */
  overtake(request: ReadRequest, digest: string, shown: Representation, at: number): void {
    const { memory, fences, reporter } = this.#deps
    const held = memory.get(this.keyOf(request, digest))
    if (held?.kind === 'representation') {
      if (fences.holds(held.stamp)) {
        reporter.outdated(held.servedAt - held.generatedAt)
        reporter.invalidated('change')
      }
      this.#compare(request, held, shown, at)
    }
    this.#supersede(request, digest, at)
  }

  #supersede(request: ReadRequest, digest: string, at: number): void {
    const key = this.keyOf(request, digest)
    this.#deps.memory.set(key, { kind: 'superseded', at }, request.view.tenant)
    this.#deps.tier?.supersede(request.view.tenant, key)
  }

  #compare({ viewKey }: ReadRequest, held: Representation, shown: Representation, at: number) {
    const { headerChanges, reporter } = this.#deps
    const names = changedHeaders(held, shown)
    if (names === null) return
    headerChanges.noted(viewKey, { names, at })
    reporter.headersChanged(names)
  }
}

/** Gathers from memory what bears on the question whether a credential may be served (`entitlement.ts`). */
import type { Standing } from './entitlement.ts'
import { type Fences, holdsButForMarks, isTrue } from './fence.ts'
import { currentKey } from './key.ts'
import type { MemoryStore } from './ports.ts'
import type { Grant, Representation, StoredRecord, Superseded, Withdrawal } from './records.ts'
import type { ReadRequest } from './request.ts'
import type { SharingMode } from './sharing.ts'

export interface EvidenceDependencies {
  readonly memory: Pick<MemoryStore, 'get'>
  readonly fences: Pick<Fences, 'holds' | 'sight'>
  readonly sharing: SharingMode
}

export class Evidence {
  readonly #deps: EvidenceDependencies

  constructor(dependencies: EvidenceDependencies) {
    this.#deps = dependencies
  }

  /** Synchronous: nothing can change between what is read first and last. */
  of(request: ReadRequest, now: number): Standing {
    const { memory, sharing, fences } = this.#deps
    const { view, partition } = request
    const isPlain = sharing.of(view.tenant, now) === 'tenant'
    const own = asGrant(memory.get(request.grantKey))
    // Plain sharing gives what nobody was given, but never what the upstream refused.
    const grant = isPlain && own?.kind !== 'withdrawal' ? this.#plainGrant(request) : own
    const named = grant?.kind === 'grant' ? grant : undefined
    const representation =
      named === undefined
        ? undefined
        : memory.get(request.representationKey(sharing.scopeOf(partition), named.digest))
    const admission = memory.get(request.admissionKey)
    const isUnmarked =
      representation?.kind === 'representation' && fences.holds(representation.stamp)
    return {
      holder: request.credential.holder,
      grant,
      grantHolds: named !== undefined && isTrue(fences, named.stamp),
      admission: admission?.kind === 'admission' ? admission : undefined,
      admissionHolds: admission?.kind === 'admission' && fences.holds(admission.stamp),
      representation: asRepresentation(representation),
      representationHolds:
        isUnmarked ||
        (representation?.kind === 'representation' &&
          holdsButForMarks(fences, representation.stamp)),
      isMarked: !isUnmarked,
      pinnedVersion: request.pins.current(partition, view.version),
    }
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
}

function asGrant(record: StoredRecord | undefined): Grant | Withdrawal | undefined {
  return record?.kind === 'grant' || record?.kind === 'withdrawal' ? record : undefined
}

function asRepresentation(
  record: StoredRecord | undefined,
): Representation | Superseded | undefined {
  return record?.kind === 'representation' || record?.kind === 'superseded' ? record : undefined
}

/**
 * From what the shared tier has found for a credential to what memory holds: the newer of both. Synchronous:
 * nothing can come in between.
 */
import type { DigestRule } from './digest-rule.ts'
import type { Fences } from './fence.ts'
import type { Key } from './key.ts'
import type { MemoryStore, TierFound } from './ports.ts'
import type { Admission, Grant, Representation } from './records.ts'
import type { ReadRequest } from './request.ts'

export interface Adopted {
  /** Something was found that memory did not refuse out of hand. */
  readonly isAny: boolean
  readonly admission: Admission | null
  /** Null: there was none, or memory knows a later one. */
  readonly grant: Grant | null
}

type Memory = Pick<MemoryStore, 'get' | 'set'>

export interface AdoptionDependencies {
  readonly digestRule: Pick<DigestRule, 'isOwn'>
  readonly memory: Memory
  readonly fences: Pick<Fences, 'holds'>
}

export function adopt(
  { memory, fences, digestRule }: AdoptionDependencies,
  request: ReadRequest,
  found: TierFound,
  scopeOf: (partition: string) => string,
): Adopted {
  const { holder } = request.credential
  // The seal has proved whose they are.
  const admission = found.admission === null ? null : { ...found.admission, holder }
  const { tenant } = request.view
  if (admission !== null) adoptAdmission(memory, request.admissionKey, admission, tenant)
  // What another rule calls the bytes by says nothing here: neither that they are the same, nor that they changed.
  // guard: digest-rule
  const isNamed = found.grant !== null && digestRule.isOwn(found.grant.digest)
  if (found.grant === null || !isNamed) return { isAny: admission !== null, admission, grant: null }
  const grant = { ...found.grant, holder }
  const held = memory.get(request.grantKey)
  const isKnown = held?.kind === 'grant' || held?.kind === 'withdrawal'
  if (isKnown && held.witnessedAt > grant.witnessedAt) {
    return { isAny: true, admission, grant: null }
  }
  memory.set(request.grantKey, grant, tenant)
  if (found.representation !== null) {
    const { digest } = found.representation
    const key = request.representationKey(scopeOf(request.partition), digest)
    adoptRepresentation(memory, fences, key, found.representation, tenant)
  }
  return { isAny: true, admission, grant }
}

function adoptAdmission(memory: Memory, key: Key, admission: Admission, tenant: string): void {
  const known = memory.get(key)
  const isLater = known?.kind !== 'admission' || admission.expiresAt > known.expiresAt
  if (isLater) memory.set(key, admission, tenant)
}

function adoptRepresentation(
  memory: Memory,
  fences: AdoptionDependencies['fences'],
  key: Key,
  representation: Representation,
  tenant: string,
): void {
  const present = memory.get(key)
  const isOvertaken = present?.kind === 'superseded' && present.at >= representation.generatedAt
  // What memory has may be of no use any more, however long it would be fresh.
  const isOlder =
    present?.kind === 'representation' &&
    fences.holds(present.stamp) &&
    present.freshUntil >= representation.freshUntil
  if (!isOvertaken && !isOlder) memory.set(key, representation, tenant)
}

/**
 * Under which keys a request to the upstream can be joined while it is under way.
 *
 * The fences are part of a flight's key, so that a read never joins a fill from before a write:
 *
 * 1. A reads; its fill leaves for the upstream, which renders the old bytes.
 * 2. B writes through this process; the write is applied, the fences change, B is answered.
 * 3. B reads. Under A's key it would be handed the old bytes after its own write was confirmed.
 *
 * The same goes for a write to the record's parent, which is not known yet: hence the kin fence.
 */
import type { Flight } from './coalesce.ts'
import type { Fences } from './fence.ts'
import { encodeParts, type Key } from './key.ts'
import { fencesOf, kinOf, type ReadRequest } from './request.ts'
import type { MissVerdict } from './served.ts'

/** For the same credential and the same view. What is not to be stored is no fill for one who wants it stored. */
export function fillKey(request: ReadRequest, fences: Pick<Fences, 'peek'>): Key {
  const guards = fences.peek(withKin(request, fencesOf(request)))
  const kind = request.directives.noStore ? 'unstored' : 'fill'
  return encodeParts(kind, request.viewKey, request.partition, guards)
}

/** A flight for the same view may be joined by its own credential, unless the version pin is in doubt. */
export function isJoinable(
  flight: Flight<unknown> | undefined,
  { credential }: ReadRequest,
  mayJoin: boolean,
): boolean {
  return mayJoin && flight?.holder === credential.holder
}

/**
 * For whoever holds the digest that the verdict names; null: it names none. `scope`: as in a
 * representation's key.
 */
export function refreshKeyOf(
  request: ReadRequest,
  verdict: MissVerdict,
  scope: string,
  fences: Pick<Fences, 'peek'>,
): Key | null {
  if (verdict.kind !== 'refresh' || request.directives.noStore) return null
  const { digest } = verdict
  const [tenant, subject] = fencesOf(request) as [Key, Key]
  const guards = fences.peek(withKin(request, [tenant, subject]))
  return encodeParts('refresh', request.viewKey, scope, digest, guards)
}

function withKin(request: ReadRequest, names: readonly Key[]): readonly Key[] {
  const kin = kinOf(request)
  return kin === null ? names : [...names, kin]
}

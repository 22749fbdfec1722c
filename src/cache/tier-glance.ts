/**
 * What the shared tier would bring for a read, found out by a mere look: what `TierWalk` would adopt into memory
 * is laid over it here, and judged by the same rules.
 */
import type { Clock } from '../lib/clock.ts'
import { adopt } from './adoption.ts'
import { NO_DIRECTIVES } from './cache-control.ts'
import type { DigestRule } from './digest-rule.ts'
import type { Standing } from './entitlement.ts'
import { Evidence } from './evidence.ts'
import { type FenceSight, type FenceStamp, type Fences, holdsBySight } from './fence.ts'
import type { Key } from './key.ts'
import { lookUp } from './lookup.ts'
import type { MemoryStore, TierGlance, TierSight } from './ports.ts'
import type { RedisState } from './prediction.ts'
import type { StoredRecord } from './records.ts'
import { type Pins, type ReadRequest, tierQuery } from './request.ts'
import type { MissVerdict } from './served.ts'
import type { SharingMode } from './sharing.ts'
import { mayHelp, turnKey } from './tier-walk.ts'

export interface GlanceDependencies {
  readonly digestRule: DigestRule
  readonly memory: Pick<MemoryStore, 'peek'>
  readonly fences: Pick<Fences, 'sight'>
  readonly sharing: SharingMode
}

/** What was seen of the tier. */
export interface Glanced {
  readonly state: RedisState
  /** Null: nothing was seen. */
  readonly glance: TierGlance | null
  /** Another instance is asking the upstream on behalf of all. */
  readonly isTurnTaken: boolean
}

export const NOT_CONFIGURED: Glanced = {
  state: 'not-configured',
  glance: null,
  isTurnTaken: false,
}

/** How the tier can be looked at. */
export interface Glancing {
  readonly sight: TierSight
  /** The request has its credential's own seal. */
  readonly canOpen: boolean
  readonly sharing: SharingMode
}

/**
 * @param verdict of memory; null: memory serves
 * @param judged what is known with what was seen; null: as before
 */
export async function glanceAt(
  { sight, canOpen, sharing }: Glancing,
  request: ReadRequest,
  verdict: MissVerdict | null,
  judged: (glance: TierGlance, now: number) => Standing | null,
  clock: Clock,
): Promise<Glanced> {
  const unseen = { glance: null, isTurnTaken: false }
  if (verdict === null || !mayHelp(verdict)) return { state: 'not-asked', ...unseen }
  if (!sight.isUsable) return { state: 'not-usable', ...unseen }
  const scopeOf = (partition: string): string => sharing.scopeOf(partition)
  const glance = await sight.glance(tierQuery(request, scopeOf, true), canOpen)
  if (glance === null) return { state: 'not-usable', ...unseen }
  const now = clock.monotonic()
  const after = judged(glance, now)
  const again = after === null ? null : lookUp(after, NO_DIRECTIVES, 'redis', now)
  const last = again === null ? verdict : again.kind === 'miss' ? again.verdict : null
  const isTurnTaken =
    last !== null &&
    mayHelp(last) &&
    (await sight.isTurnTaken(
      request.view.tenant,
      turnKey(request, last, scopeOf(request.partition)),
    ))
  return { state: stateOf(glance), glance, isTurnTaken }
}

function stateOf({ hasGrant, hasAdmission, found }: TierGlance): RedisState {
  if (found === null) return hasGrant || hasAdmission ? 'sealed' : 'nothing'
  return found.grant === null && found.admission === null ? 'nothing' : 'opened'
}

/** Fences as they would be known once the tier has been read. */
export function sightAfter(
  { fences }: Pick<GlanceDependencies, 'fences'>,
  glance: TierGlance | null,
): (name: Key) => FenceSight {
  return (name) => {
    const here = fences.sight(name)
    const there = glance?.fences.get(name)
    if (there === undefined) return here
    if (there === null) return { ...here, value: null }
    return { ...here, value: there.value, isPending: here.isPending || there.isPending }
  }
}

/** What would be known once the tier had been read; null: it brings nothing, or it is under seal. */
export function standingAfter(
  deps: GlanceDependencies,
  request: ReadRequest,
  glance: TierGlance | null,
  mayJoin: boolean,
  now: number,
): Standing | null {
  const found = glance?.found ?? null
  if (found === null || (found.grant === null && found.admission === null)) return null
  const { sharing, digestRule } = deps
  const laid = new Map<Key, StoredRecord>()
  const memory = {
    get: (key: Key) => laid.get(key) ?? deps.memory.peek(key),
    set: (key: Key, record: StoredRecord) => void laid.set(key, record),
  }
  const sight = sightAfter(deps, glance)
  const fences = { sight, holds: (stamp: FenceStamp) => holdsBySight(stamp, sight) }
  adopt({ memory, fences, digestRule }, request, found, (partition) => sharing.scopeOf(partition))
  const pins: Pins = {
    // What is known here is at least as new.
    current: (partition, form) =>
      request.pins.current(partition, form) ?? (mayJoin ? found.pinnedVersion : null),
    adopt: () => {},
  }
  return new Evidence({ memory, fences, sharing }).of({ ...request, pins }, now)
}

/**
 * Everything that instances share, put together: two connections to Redis, the bus with its lease, the fences,
 * and the second tier. What comes in from the bus is handed on from here.
 */
import type { FenceStore, Fences } from '../cache/fence.ts'
import { tenantOf } from '../cache/key.ts'
import type { MemoryStore, RollCall, SharedTier, TierSight } from '../cache/ports.ts'
import type { BusMessage } from './bus.ts'
import { createParts, type RedisOptions, type RedisParts } from './redis-parts.ts'
import { RedisSight } from './redis-sight.ts'
import { BusRollCall } from './roll-call.ts'
import { SharedSwitches } from './shared-switches.ts'

export type { RedisObserver, RedisOptions } from './redis-parts.ts'

export interface SharedState {
  readonly fences: FenceStore
  readonly tier: SharedTier
  /** The tier, for one who only looks. */
  readonly sight: TierSight
  readonly rollCall: RollCall
  /** Tells all instances that a tenant's cache is off, or on. False: they could not be told yet. */
  switchTenant(tenant: string, isOff: boolean): Promise<boolean>
  /** A credential's version pin as it is now; null: not known. */
  notePin(partition: string, version: string | null, isKept: boolean): Promise<void>
  readonly isUsable: boolean
  /** Redis took the last write that it has answered. */
  readonly isWritable: boolean
  /** What lies in Redis is believed: everybody who may know of a write that it could not take is accounted for. */
  readonly isTrusted: boolean
  /** Invalidations of this instance that Redis, or the other instances, have not taken so far. */
  readonly pendingInvalidations: number
  /** Commands are kept from a Redis that does not answer. */
  readonly isBreakerOpen: boolean
  readonly isBusLive: boolean
  /** PEM of the authorities that may vouch for Redis: for connections from now on. */
  trustAuthorities(ca: string): void
  close(): Promise<void>
}

export function createSharedState(options: RedisOptions): SharedState {
  const parts = createParts(options)
  const { raw, lease, fences, trust, enrolment, pins } = parts
  const rollCall = new BusRollCall(parts)
  const switches = new SharedSwitches({ ...parts, ...options, commands: raw })
  connectHandlers(parts, options, rollCall, switches)
  return {
    fences,
    tier: sharedTier(parts),
    sight: new RedisSight({ ...parts, ...options }),
    rollCall,
    switchTenant: (tenant, isOff) => switches.put(tenant, isOff),
    notePin: (partition, version, isKept) => pins.note(partition, version, isKept),
    get isUsable() {
      return raw.isUsable
    },
    get isWritable() {
      return enrolment.isWritable
    },
    get isTrusted() {
      return trust.isTrusted()
    },
    get pendingInvalidations() {
      return fences.delivery.size
    },
    get isBreakerOpen() {
      return raw.isBreakerOpen
    },
    get isBusLive() {
      return lease.isLive()
    },
    trustAuthorities: (ca) => {
      options.settings.ca = ca
    },
    close: () => {
      switches.close()
      return close(parts, options)
    },
  }
}

/** What was heard is handed on. */
function connectHandlers(
  { raw, fences, turns, pins, enrolment, handlers }: RedisParts,
  options: RedisOptions,
  rollCall: BusRollCall,
  switches: SharedSwitches,
): void {
  const { observer, memory, clock } = options
  raw.onUsable(() => void switches.catchUp())
  handlers.returned = (gapMs) => {
    observer.busGap(gapMs)
    // guard: pins-after-gap
    options.onPinsMissed()
    void switches.catchUp()
  }
  handlers.heard = (sender, { pending, epoch }, message) => {
    rollCall.heard(sender)
    fences.delivery.heard(sender, pending, message)
    enrolment.heardEpoch(epoch)
  }
  handlers.receive = (message, sender) => {
    fences.received(message)
    tellOutdated(message, options, fences)
    remember(memory, message, clock.monotonic())
    turns.ended(message.landed ?? [])
    switches.received(message)
    for (const [partition, version] of message.pins ?? []) {
      pins.changed(partition)
      options.onPinChange(partition, version)
    }
    if (message.forget !== undefined) observer.heard()
    rollCall.received(message, sender)
  }
}

/** Who ends with nothing pending is not waited for, and what lies in Redis is as good without it. */
async function close(
  { raw, bus, fences, pins, withdrawals, enrolment }: RedisParts,
  { observer }: RedisOptions,
) {
  const { delivery } = fences
  delivery.close()
  pins.close()
  withdrawals.close()
  enrolment.close()
  await delivery.retry()
  if (delivery.size > 0) observer.invalidationsLost(delivery.size)
  if (delivery.size + pins.size + withdrawals.size === 0) await enrolment.leave()
  bus.close()
  await raw.close()
}

/** The tier, with what all instances must hear said on the bus. */
function sharedTier({ store, turns, bus, withdrawals }: RedisParts): SharedTier {
  return {
    get isUsable() {
      return store.isUsable
    },
    read: (query, turn) => store.read(query, turn),
    keep: (entry) => store.keep(entry),
    supersede: (tenant, representation) => {
      // Not repeated: bytes that were overtaken without a write through Layby are bounded by their lifetime.
      store.supersede(tenant, representation)
      void bus.publish({ superseded: [representation] })
    },
    withdraw: (tenant, grants) => void withdrawals.withdraw(tenant, grants),
    takeTurn: (tenant, key) => turns.take(tenant, key),
  }
}

/** Each instance tells of the hits that it has served itself. */
function tellOutdated(
  { superseded }: BusMessage,
  { memory, observer }: RedisOptions,
  fences: Pick<Fences, 'holds'>,
): void {
  for (const key of superseded ?? []) {
    const held = memory.get(key)
    if (held?.kind !== 'representation' || !fences.holds(held.stamp)) continue
    observer.outdated(held.servedAt - held.generatedAt)
  }
}

/** What others have found out about entries that memory may hold. */
function remember(memory: MemoryStore, { superseded, withdrawn }: BusMessage, now: number): void {
  for (const key of superseded ?? [])
    memory.set(key, { kind: 'superseded', at: now }, tenantOf(key))
  for (const key of withdrawn ?? []) {
    memory.set(key, { kind: 'withdrawal', witnessedAt: now }, tenantOf(key))
  }
}

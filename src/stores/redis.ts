/**
 * Everything that instances share, put together: two connections to Redis, the bus with its lease, the fences,
 * and the second tier. What comes in from the bus is handed on from here.
 */
import { LRUCache } from 'lru-cache'
import type { FenceStore, Fences } from '../cache/fence.ts'
import { tenantOf, widenedFence } from '../cache/key.ts'
import type {
  MemoryStore,
  RollCall,
  SharedTier,
  SwitchedTenants,
  TierSight,
} from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { deriveKey } from '../lib/derive-key.ts'
import { Bus, type BusMessage } from './bus.ts'
import { FenceTable } from './fence-table.ts'
import { Lease } from './lease.ts'
import { OwedChanges, type PendingState } from './owed-changes.ts'
import { databaseOf } from './redis-clients.ts'
import { type CommandsObserver, createCommands } from './redis-commands.ts'
import { connect, type RedisSettings } from './redis-connection.ts'
import { RedisKeys } from './redis-keys.ts'
import { SET_PIN } from './redis-scripts.ts'
import { RedisSight } from './redis-sight.ts'
import { type Mismatch, RedisTier } from './redis-tier.ts'
import { BusRollCall } from './roll-call.ts'
import { SharedFences } from './shared-fences.ts'
import { SharedSwitches } from './shared-switches.ts'
import { TierTrust } from './tier-trust.ts'
import { Turns } from './turns.ts'

/** What the house is told of Redis; metrics and log. */
export interface RedisObserver {
  /** A value that was not what was stored under its key. */
  mismatched(kind: Mismatch): void
  /** The bus was not heard for so many milliseconds, and is again. */
  busGap(milliseconds: number): void
  busChanged(isHeard: boolean): void
  /** An invalidation of another instance was heard. */
  heard(): void
  /** See `Reporter.outdated`; found out by another instance. */
  outdated(milliseconds: number): void
  /** Redis became usable or unusable. */
  redisChanged(isUsable: boolean): void
  /** A short code of a fault; never an address or a secret. */
  redisFailed(code: string): void
}

const NOTED_MS = 10_000

export interface RedisOptions {
  readonly settings: RedisSettings
  readonly clock: Clock
  readonly memory: MemoryStore
  readonly secrets: readonly string[]
  readonly maxFences: number
  readonly maxBodyBytes: number
  /** Longest life of a representation, of a grant, of an admission. Milliseconds. */
  readonly lifetimes: readonly number[]
  readonly observer: RedisObserver
  /** To be kept as all instances know them. */
  readonly tenants: SwitchedTenants
  /** Another instance says that a credential has changed its version. */
  readonly onPinChange: (partition: string, version: string | null) => void
}

export interface SharedState {
  readonly fences: FenceStore
  readonly tier: SharedTier
  /** The tier, for one who only looks. */
  readonly sight: TierSight
  readonly rollCall: RollCall
  /** Tells all instances that a tenant's cache is off, or on. False: they could not be told yet. */
  switchTenant(tenant: string, isOff: boolean): Promise<boolean>
  /** A credential's version pin as it is now; null: not known. */
  notePin(partition: string, version: string | null): Promise<void>
  readonly isUsable: boolean
  /** Commands are kept from a Redis that does not answer. */
  readonly isBreakerOpen: boolean
  readonly isBusLive: boolean
  close(): Promise<void>
}

export function createSharedState(options: RedisOptions): SharedState {
  const parts = createParts(options)
  const { commands, lease, bus, fences, store, turns } = parts
  const noted = new LRUCache<string, string>({ max: 10_000, ttl: NOTED_MS })
  const rollCall = new BusRollCall(parts)
  const switches = new SharedSwitches({ ...parts, tenants: options.tenants })
  parts.handlers.returned = (gapMs) => {
    options.observer.busGap(gapMs)
    void switches.catchUp()
  }
  commands.onUsable(() => void switches.catchUp())
  parts.handlers.heard = (sender, pending, message) => {
    rollCall.heard(sender)
    fences.delivery.heard(sender, pending, message)
  }
  parts.handlers.receive = (message, sender) => {
    fences.received(message)
    tellOutdated(message, options, fences)
    remember(options.memory, message, options.clock.monotonic())
    turns.ended(message.landed ?? [])
    if (message.switched !== undefined) switches.received(message.switched)
    for (const [partition, version] of message.pins ?? []) {
      noted.delete(partition)
      options.onPinChange(partition, version)
    }
    if (message.forget !== undefined) options.observer.heard()
    rollCall.received(message, sender)
  }
  return {
    fences,
    tier: sharedTier(store, turns, bus),
    sight: new RedisSight({ ...parts, ...options }),
    rollCall,
    switchTenant: (tenant, isOff) => switches.put(tenant, isOff),
    notePin: (partition, version) => notePin(parts, noted, partition, version),
    get isUsable() {
      return commands.isUsable
    },
    get isBreakerOpen() {
      return commands.isBreakerOpen
    },
    get isBusLive() {
      return lease.isLive()
    },
    close: async () => {
      fences.delivery.close()
      bus.close()
      await commands.close()
    },
  }
}

/** What Redis was told of a credential's pin a moment ago, it need not be told with every fill. */
async function notePin(
  { commands, keys, bus, fenceLifetimeMs }: ReturnType<typeof createParts>,
  noted: LRUCache<string, string>,
  partition: string,
  version: string | null,
): Promise<void> {
  const told = version ?? ''
  if (noted.get(partition) === told) return
  noted.set(partition, told)
  const reply = await commands.run(SET_PIN, [keys.pin(partition)], [told, fenceLifetimeMs])
  if (!reply.ok) noted.delete(partition)
  if (reply.ok && reply.value === 1) await bus.publish({ pins: [[partition, version]] })
}

/** What comes in from the bus goes to whoever is built after it. */
interface Handlers {
  receive: (message: BusMessage, sender: string) => void
  heard: (sender: string, pending: PendingState, message: BusMessage) => void
  /** The bus is heard again, or for the first time: something may have been missed. */
  returned: (gapMs: number) => void
}

function createParts(options: RedisOptions) {
  const { settings, clock, secrets, observer, maxBodyBytes } = options
  const longest = Math.max(...options.lifetimes)
  // Fences outlive whatever is stamped with them, so that losing one stays the exception.
  const fenceLifetimeMs = Math.ceil(longest * 2 + 60_000)
  const keys = new RedisKeys(settings.keyPrefix, databaseOf(settings))
  const sealingKeys = secrets.map((secret) => deriveKey(secret, 'bus'))
  const lease = new Lease(clock)
  const table = new FenceTable(clock, lease, options.maxFences)
  const trust = new TierTrust(clock)
  const commands = createCommands(settings, clock, commandsObserver(observer, trust))
  const owed = new OwedChanges(clock, widenedFence)
  const handlers: Handlers = { receive: () => {}, heard: () => {}, returned: () => {} }
  const bus = new Bus({
    subscriber: connect(settings, 'subscriber', (code) => observer.redisFailed(code)),
    commands,
    channel: keys.channel,
    lease,
    clock,
    keys: sealingKeys,
    onMessage: (message, sender) => handlers.receive(message, sender),
    onHeard: (sender, pending, message) => handlers.heard(sender, pending, message),
    pendingState: () => owed.state,
    onProbe: (isTaken) => (isTaken ? recover() : trust.missed()),
    onGap: (milliseconds) => handlers.returned(milliseconds),
    onChange: (isHeard) => observer.busChanged(isHeard),
  })
  const shared = { sealingKeys, commands, keys, table, trust, clock, bus, owed, lease }
  const fences = new SharedFences({ ...shared, fenceLifetimeMs, recordLifetimeMs: longest })
  const recover = (): void => {
    if (trust.recovered()) fences.delivery.recovered()
  }
  commands.onLost(() => trust.lost())
  commands.onUsable(recover)
  const turns = new Turns(shared)
  const store = new RedisTier({
    ...shared,
    turns,
    secrets,
    fenceLifetimeMs,
    maxBodyBytes,
    onMismatch: (kind) => observer.mismatched(kind),
  })
  return { ...shared, fences, store, turns, fenceLifetimeMs, handlers }
}

function commandsObserver(observer: RedisObserver, trust: TierTrust): CommandsObserver {
  return {
    stateChanged: (isUsable) => observer.redisChanged(isUsable),
    failed: (code) => {
      // A server that takes no writes may be a master no longer, and not hear of changes.
      if (code === 'READONLY') trust.lost()
      observer.redisFailed(code)
    },
  }
}

/** The tier, with what all instances must hear said on the bus. */
function sharedTier(store: RedisTier, turns: Turns, bus: Bus): SharedTier {
  return {
    get isUsable() {
      return store.isUsable
    },
    read: (query, turn) => store.read(query, turn),
    keep: (entry) => store.keep(entry),
    supersede: (tenant, representation) => {
      store.supersede(tenant, representation)
      void bus.publish({ superseded: [representation] })
    },
    withdraw: (tenant, grants) => {
      store.withdraw(tenant, grants)
      void bus.publish({ withdrawn: grants })
    },
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

/** What instances share, built: connections, bus, fences, roster and tier. `redis.ts` puts them to use. */

import { widenedFence } from '../cache/key.ts'
import type { MemoryStore, SwitchedTenants } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { deriveKey } from '../lib/derive-key.ts'
import { Bus, type BusMessage, type PeerState } from './bus.ts'
import { enrolledCommands } from './enrolled-commands.ts'
import { Enrolment } from './enrolment.ts'
import { FenceTable } from './fence-table.ts'
import { PROVISIONAL_FENCE_MS } from './fence-value.ts'
import { Lease } from './lease.ts'
import { OwedChanges } from './owed-changes.ts'
import { databaseOf } from './redis-clients.ts'
import { type CommandsObserver, createCommands } from './redis-commands.ts'
import { connect, type RedisSettings } from './redis-connection.ts'
import { RedisKeys } from './redis-keys.ts'
import { type Mismatch, RedisTier } from './redis-tier.ts'
import { SharedFences } from './shared-fences.ts'
import { SharedPins } from './shared-pins.ts'
import type { SwitchObserver } from './shared-switches.ts'
import { SharedWithdrawals } from './shared-withdrawals.ts'
import { TierTrust } from './tier-trust.ts'
import { Turns } from './turns.ts'

/** What the house is told of Redis; metrics and log. */
export interface RedisObserver extends SwitchObserver {
  /** A value that was not what was stored under its key. */
  mismatched(kind: Mismatch): void
  /** The bus was not heard for so many milliseconds, and is again. */
  busGap(milliseconds: number): void
  busChanged(isHeard: boolean): void
  /** False: an instance is heard that is not understood, or finds nothing of ours in Redis. */
  agreementChanged(isAgreed: boolean): void
  /** An invalidation of another instance was heard. */
  heard(): void
  /** See `Reporter.outdated`; found out by another instance. */
  outdated(milliseconds: number): void
  /** Redis became usable or unusable. */
  redisChanged(isUsable: boolean): void
  /** A short code of a fault; never an address or a secret. */
  redisFailed(code: string): void
  /** Redis takes writes, or no longer. */
  writableChanged(isWritable: boolean): void
  /** This instance ends, and so many of its invalidations have not reached Redis. */
  invalidationsLost(count: number): void
}

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
  /** By when a read must have been answered. Milliseconds. */
  readonly fillTimeoutMs: number
  /** To be kept as all instances know them. */
  readonly tenants: SwitchedTenants
  /** Another instance says that a credential has changed its version. */
  readonly onPinChange: (partition: string, version: string | null) => void
  /** The bus was not heard for a while: any credential may have changed its version. */
  readonly onPinsMissed: () => void
}

export type RedisParts = ReturnType<typeof createParts>

/** What comes in goes to whoever is built later. */
interface Handlers {
  receive: (message: BusMessage, sender: string) => void
  heard: (sender: string, state: PeerState, message: BusMessage) => void
  /** The bus is heard again, or for the first time: something may have been missed. */
  returned: (gapMs: number) => void
  probed: (isTaken: boolean) => void
  lost: () => void
}

export function createParts(options: RedisOptions) {
  const { clock, secrets, observer, maxBodyBytes } = options
  // A jitter makes fractions of them.
  const longest = Math.ceil(Math.max(...options.lifetimes))
  // Fences outlive whatever is stamped with them, so that losing one stays the exception: used at half of its lifetime,
  // one is not yet taken for a provisional one when that is over.
  const fenceLifetimeMs = Math.ceil(longest * 2) + 3 * PROVISIONAL_FENCE_MS
  const links = createLinks(options)
  const { bus, commands, handlers, owed, trust, table, keys } = links
  const enrolled = enrolledCommands(commands, () => enrolment)
  const shared = { ...links, commands: enrolled, fenceLifetimeMs, recordLifetimeMs: longest }
  const fences = new SharedFences(shared)
  const { delivery } = fences
  const pins = new SharedPins(shared)
  const enrolment: Enrolment = new Enrolment({
    clock,
    commands,
    keys,
    trust,
    instance: bus.id,
    lifetimeMs: fenceLifetimeMs,
    hasPending: () => owed.size + pins.size + withdrawals.size > 0,
    onContact: () => delivery.regained(),
    onEnrolled: () => void delivery.retry(),
    onEpoch: () => table.forgetAll(),
    onWritable: (isWritable) => observer.writableChanged(isWritable),
  })
  handlers.lost = () => {
    delivery.lost()
    enrolment.lost()
  }
  handlers.probed = (isTaken) => {
    if (!isTaken) handlers.lost()
    if (!enrolment.isEnrolled) void enrolment.beat()
  }
  commands.onLost(handlers.lost)
  commands.onUsable(() => void enrolment.beat())
  const turns = new Turns({ ...shared, maxWaitMs: options.fillTimeoutMs / 2 })
  const onMismatch = (kind: Mismatch): void => observer.mismatched(kind)
  const store = new RedisTier({ ...shared, turns, secrets, maxBodyBytes, onMismatch })
  const withdrawals: SharedWithdrawals = new SharedWithdrawals({ ...shared, store })
  return { ...shared, raw: commands, fences, pins, withdrawals, enrolment, store, turns }
}

/** The ways to Redis and to the other instances, and what is known of them. */
function createLinks(options: RedisOptions) {
  const { settings, clock, secrets, observer } = options
  const keys = new RedisKeys(settings.keyPrefix, databaseOf(settings), settings.nameSecret)
  const sealingKeys = secrets.map((secret) => deriveKey(secret, 'bus'))
  const lease = new Lease(clock)
  const table = new FenceTable(clock, lease, options.maxFences)
  const trust = new TierTrust(clock)
  const owed = new OwedChanges(clock, widenedFence)
  const handlers: Handlers = {
    receive: () => {},
    heard: () => {},
    returned: () => {},
    probed: () => {},
    lost: () => {},
  }
  const commands = createCommands(settings, clock, commandsObserver(observer, handlers))
  const bus = new Bus({
    ...{ keys, sealingKeys, lease, trust, commands, clock },
    subscriber: connect(settings, 'subscriber', (code) => observer.redisFailed(code)),
    onMessage: (message, sender) => handlers.receive(message, sender),
    onHeard: (sender, state, message) => handlers.heard(sender, state, message),
    state: () => ({ pending: owed.state, epoch: keys.epoch }),
    onProbe: (isTaken) => handlers.probed(isTaken),
    onGap: (milliseconds) => handlers.returned(milliseconds),
    onChange: (isHeard) => observer.busChanged(isHeard),
    onAgreement: (isAgreed) => observer.agreementChanged(isAgreed),
  })
  return { keys, sealingKeys, lease, table, trust, owed, handlers, commands, bus, clock }
}

function commandsObserver(observer: RedisObserver, handlers: Handlers): CommandsObserver {
  return {
    stateChanged: (isUsable) => observer.redisChanged(isUsable),
    failed: (code) => {
      // A server that takes no writes may be a master no longer, and not hear of changes.
      if (code === 'READONLY') handlers.lost()
      observer.redisFailed(code)
    },
  }
}

/**
 * Fences that all instances share, in Redis (design section 4). What is known of them here is in the
 * `FenceTable`; this is the order in which Redis, the table and the bus are told.
 *
 * Redis may be gone at any moment. Then a fence has a value for this process alone, which holds for a second;
 * and a change that Redis has not taken is owed, while what lies in Redis under that fence is not used.
 */
import { randomBytes } from 'node:crypto'
import type {
  FenceSight,
  FenceStamp,
  Fences,
  OpenFence,
  PendingWrite,
  WriteFences,
} from '../cache/fence.ts'
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus, BusMessage } from './bus.ts'
import type { FenceTable } from './fence-table.ts'
import { newValue } from './fence-value.ts'
import { InvalidationDelivery } from './invalidation-delivery.ts'
import type { OwedChanges } from './owed-changes.ts'
import type { RedisCommands, Script } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { BEGIN, CHANGE, MARK, OPEN, REMOVE, SETTLE } from './redis-scripts.ts'
import type { TierTrust } from './tier-trust.ts'

/** `refused`: Redis has answered each, some with an error. `lost`: some were not answered, and may yet be done. */
export type Taken = 'yes' | 'refused' | 'lost'

export interface SharedFencesOptions {
  readonly clock: Clock
  readonly table: FenceTable
  readonly commands: RedisCommands
  readonly trust: TierTrust
  readonly bus: Pick<Bus, 'publish' | 'id'>
  readonly keys: RedisKeys
  readonly owed: OwedChanges
  /** Longer than anything lives that is stamped with a fence. Milliseconds. */
  readonly fenceLifetimeMs: number
  /** Longest life of what Redis may hold under a fence that could not be changed. Milliseconds. */
  readonly recordLifetimeMs: number
}

export class SharedFences implements Fences, WriteFences {
  readonly #options: SharedFencesOptions
  /** Of what Redis and the others have not taken so far. */
  readonly delivery: InvalidationDelivery

  constructor(options: SharedFencesOptions) {
    this.#options = options
    const { fenceLifetimeMs } = options
    const change = (names: readonly Key[]): Promise<Taken> =>
      this.#runAll(CHANGE, names, [newValue(), fenceLifetimeMs])
    this.delivery = new InvalidationDelivery({ ...options, change })
  }

  holds(stamp: FenceStamp): boolean {
    return this.#options.table.holds(stamp)
  }

  peek(names: readonly Key[]): string {
    return this.#options.table.revisions(names)
  }

  sight(name: Key): FenceSight {
    return this.#options.table.sight(name)
  }

  async open(names: readonly Key[], kin: Key | null): Promise<OpenFence> {
    const all = kin === null ? names : [...names, kin]
    const values = await this.#read(all)
    const { table } = this.#options
    const stamped = (name: Key): readonly [Key, string] => [
      name,
      values?.get(name) ?? table.privateValueOf(name),
    ]
    const stamp = names.map(stamped)
    return {
      stamp,
      pending: names.some((name) => table.isPending(name)) || !table.holds(stamp),
      kin: kin === null ? null : stamped(kin),
    }
  }

  async extend(open: OpenFence, families: readonly Key[]): Promise<FenceStamp | null> {
    if (families.length > 0 && open.kin === null) return null
    const { table } = this.#options
    const guards = families.length > 0 && open.kin !== null ? [...open.stamp, open.kin] : open.stamp
    // What is not believed any more may be true all the same, and is asked for: values never repeat, so one that
    // Redis still has was not changed in between.
    const values = await this.#read([...guards.map(([name]) => name), ...families])
    const family = families.map((name): readonly [Key, string] => [
      name,
      values?.get(name) ?? table.privateValueOf(name),
    ])
    const stamp = [...open.stamp, ...family]
    // Asked after the last wait: in between, a change may have been heard.
    return table.holds(guards) && table.holds(stamp) ? stamp : null
  }

  async begin(names: readonly Key[], lifetimeMs: number): Promise<PendingWrite> {
    const { table, owed } = this.#options
    const write = { id: randomBytes(9).toString('base64url'), names }
    if (names.length === 0) return write
    table.mark(names, write.id, lifetimeMs)
    owed.changed(names)
    const taken = await this.#runAll(BEGIN, names, [write.id, Math.ceil(lifetimeMs)])
    if (taken === 'yes') void this.#published(names)
    else await this.#notTaken(taken, names)
    return write
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const { table, fenceLifetimeMs } = this.#options
    const names = [...new Set([...write.names, ...also])]
    if (names.length === 0) return
    table.mark(names, write.id, Math.max(holdMs, 60_000))
    await this.#originate(SETTLE, names, [write.id, newValue(), fenceLifetimeMs, Math.ceil(holdMs)])
    if (holdMs > 0) table.mark(names, write.id, holdMs)
    else table.unmark(names, write.id)
  }

  async change(names: readonly Key[]): Promise<boolean> {
    return this.#replace(CHANGE, names)
  }

  /** Where it is owed, or repeated after a failover, it is made up for by a change: more than was asked, never less. */
  async mark(names: readonly Key[]): Promise<boolean> {
    return this.#replace(MARK, names)
  }

  async #replace(script: Script, names: readonly Key[]): Promise<boolean> {
    const { table, fenceLifetimeMs } = this.#options
    table.forget(names)
    const isTold = await this.#originate(script, names, [newValue(), fenceLifetimeMs])
    // Until Redis had taken it, a read may have learnt the old value anew.
    table.forget(names)
    return isTold
  }

  /** An invalidation that another instance has told of. The counterpart of `#originate`: it tells nobody. */
  received({ forget }: BusMessage): void {
    if (forget !== undefined) this.#options.table.forget(forget)
  }

  /** An invalidation that begins here: Redis changes, then the others are told, then we are done. False: it is owed. */
  async #originate(
    script: Script,
    names: readonly Key[],
    args: readonly (string | number)[],
  ): Promise<boolean> {
    this.#options.owed.changed(names)
    const taken = await this.#runAll(script, names, args)
    return taken === 'yes' ? this.#published(names) : this.#notTaken(taken, names)
  }

  /** Redis has taken a change: the others are told. Whoever does not hear of it believes the old value for as long as the bus goes on. */
  async #published(names: readonly Key[]): Promise<boolean> {
    const { owed, bus } = this.#options
    const isTold = await bus.publish({ forget: names })
    if (!isTold) owed.owe(names)
    return isTold
  }

  /**
   * Redis has not taken a change. Refused for want of memory, it may still remove: a fence that is missing
   * has changed. Otherwise the change is owed, and until it is made nobody uses what lies under the fence.
   */
  async #notTaken(why: 'refused' | 'lost', names: readonly Key[]): Promise<boolean> {
    const { bus } = this.#options
    const isRemoved = why === 'refused' && (await this.#runAll(REMOVE, names, [])) === 'yes'
    if (isRemoved && (await bus.publish({ forget: names }))) return true
    const told = this.delivery.notTaken(names)
    // Who does not answer is not waited for twice.
    if (why === 'refused') await told
    return false
  }

  /**
   * Values by name, learnt on the way; null: Redis can't be asked, or one of them is in doubt. What was heard to
   * change meanwhile, or came too late to be believed, is asked for once more.
   */
  async #read(names: readonly Key[]): Promise<ReadonlyMap<Key, string> | null> {
    const { table, trust, commands } = this.#options
    if (!trust.isTrusted() || !commands.isAnswering) return null
    const known = names.map((name) => table.valueOf(name))
    if (!known.includes(null)) return new Map(names.map((name, i) => [name, known[i] as string]))
    const first = await this.#ask(names)
    const { values } = first.isSound || first.values === null ? first : await this.#ask(names)
    return values
  }

  async #ask(
    names: readonly Key[],
  ): Promise<{ readonly values: ReadonlyMap<Key, string> | null; readonly isSound: boolean }> {
    const { table, commands, keys, fenceLifetimeMs } = this.#options
    const reading = table.beginReading(names)
    const groups = bySlot(keys, names)
    const replies = await Promise.all(
      groups.map((group) =>
        commands.run(
          OPEN,
          group.map((name) => keys.fence(name)),
          [newValue(), fenceLifetimeMs],
        ),
      ),
    )
    const values = new Map<Key, string>()
    for (const [g, group] of groups.entries()) {
      const reply = replies[g]
      if (!reply?.ok) continue
      for (const [i, name] of group.entries()) {
        const value = (reply.value as (Buffer | null)[])[i]
        if (value) values.set(name, value.toString())
      }
    }
    const isSound = table.endReading(
      reading,
      names.map((name) => values.get(name) ?? null),
    )
    return { values: values.size === names.length ? values : null, isSound }
  }

  async #runAll(
    script: Script,
    names: readonly Key[],
    args: readonly (string | number)[],
  ): Promise<Taken> {
    const { commands, keys } = this.#options
    const replies = await Promise.all(
      bySlot(keys, names).map((group) =>
        commands.run(
          script,
          group.map((name) => keys.fence(name)),
          args,
        ),
      ),
    )
    if (replies.every(({ ok }) => ok)) return 'yes'
    return replies.every((reply) => reply.ok || reply.refused) ? 'refused' : 'lost'
  }
}

function bySlot(keys: RedisKeys, names: readonly Key[]): Key[][] {
  const groups = new Map<string, Key[]>()
  for (const name of names) {
    const slot = keys.slotOf(name)
    const group = groups.get(slot)
    if (group === undefined) groups.set(slot, [name])
    else group.push(name)
  }
  return [...groups.values()]
}

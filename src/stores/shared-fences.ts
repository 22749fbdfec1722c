/**
 * Fences that all instances share, in Redis (design section 4). What is known of them here is in the
 * `FenceTable`; this is the order in which Redis, the table and the bus are told.
 *
 * Redis may be gone at any moment. Then a fence has a value for this process alone, which holds for a second;
 * and a change that Redis has not taken is owed, while what lies in Redis under that fence is not used.
 */
import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { FenceSight, FenceStamp, FenceStore, OpenFence, PendingWrite } from '../cache/fence.ts'
import { isCredentialFence, type Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { Bus, BusMessage } from './bus.ts'
import { FenceCommands, type Taken } from './fence-commands.ts'
import { BEGIN, CHANGE, MARK, REMOVE, RESTORE, SETTLE } from './fence-scripts.ts'
import type { FenceTable } from './fence-table.ts'
import { newValue, PROVISIONAL_FENCE_MS } from './fence-value.ts'
import { InvalidationDelivery } from './invalidation-delivery.ts'
import type { OwedChanges } from './owed-changes.ts'
import { ProvisionalNames } from './provisional-names.ts'
import type { RedisCommands, Script } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { TierTrust } from './tier-trust.ts'

const MAX_KEPT = 10_000

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

export class SharedFences implements FenceStore {
  readonly #options: SharedFencesOptions
  /** Of what Redis and the others have not taken so far. */
  readonly delivery: InvalidationDelivery
  readonly #redis: FenceCommands
  readonly #provisional = new ProvisionalNames()
  /** Fences that were kept lately, by the value that they had. */
  readonly #kept: LRUCache<Key, string>

  constructor(options: SharedFencesOptions) {
    this.#options = options
    this.#redis = new FenceCommands(options)
    this.#kept = new LRUCache({ max: MAX_KEPT, ttl: Math.ceil(options.fenceLifetimeMs / 4) })
    const change = (names: readonly Key[]): Promise<Taken> =>
      this.#redis.run(CHANGE, names, [newValue(), PROVISIONAL_FENCE_MS])
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

  isInTouch(): boolean {
    const { trust, commands } = this.#options
    return trust.isTrusted() && commands.isAnswering
  }

  async open(names: readonly Key[], kin: Key | null, isProvisional = false): Promise<OpenFence> {
    const all = kin === null ? names : [...names, kin]
    for (const name of all) this.#used(name, isProvisional)
    const values = await this.#read(all, isProvisional)
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
    const { table } = this.#options
    const write = { id: randomBytes(9).toString('base64url'), names }
    if (names.length === 0) return write
    table.mark(names, write.id, lifetimeMs)
    const taken = await this.#redis.run(BEGIN, names, [write.id, newValue(), Math.ceil(lifetimeMs)])
    // Not waited for: who has not heard it yet serves what is true until the write is answered, and stores nothing, since
    // Redis refuses. But this process may end before it settles the write, and then this is all that the others hear.
    if (taken === 'yes') void this.#published(names)
    else await this.#notTaken(taken, names)
    return write
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const { table } = this.#options
    const names = [...new Set([...write.names, ...also])]
    if (names.length === 0) return
    table.mark(names, write.id, Math.max(holdMs, 60_000))
    const args = [write.id, newValue(), PROVISIONAL_FENCE_MS, Math.ceil(holdMs)]
    await this.#originate(SETTLE, names, args)
    if (holdMs > 0) table.mark(names, write.id, holdMs)
    else table.unmark(names, write.id)
  }

  /**
   * Where Redis does not take it, the write stays pending there until its time is over, which counts as a change:
   * more than was asked, never less.
   */
  async restore({ id, names }: PendingWrite): Promise<void> {
    const { table, bus } = this.#options
    if (names.length === 0) return
    const taken = await this.#redis.run(RESTORE, names, [id, newValue(), PROVISIONAL_FENCE_MS])
    // Who does not hear it believes what it knows of a write under way for a second only (`fence-table.ts`).
    if (taken === 'yes') await bus.publish({ forget: names })
    table.unmark(names, id)
  }

  async change(names: readonly Key[]): Promise<boolean> {
    return this.#replace(CHANGE, names)
  }

  /** Where it is owed, or repeated after a failover, it is made up for by a change: more than was asked, never less. */
  async mark(names: readonly Key[]): Promise<boolean> {
    return this.#replace(MARK, names)
  }

  /** Of the credential alone: the others are kept with what is stored under them (`STORE`). */
  keep(stamp: FenceStamp): void {
    for (const [name] of stamp) this.#provisional.keep(name)
    const own = stamp.filter(
      ([name, value]) => isCredentialFence(name) && this.#kept.get(name) !== value,
    )
    if (own.length === 0) return
    for (const [name, value] of own) this.#kept.set(name, value)
    // Lost, it costs a miss when the provisional lifetime is over.
    void this.#redis.keep(own, this.#options.fenceLifetimeMs)
  }

  /** What is lost of this in Redis ends within a minute. */
  abandon(stamp: FenceStamp): void {
    const { commands, table } = this.#options
    // guard: provisional-fences
    const unused = stamp.filter(([name]) => this.#provisional.abandon(name))
    if (unused.length === 0 || !commands.isAnswering) return
    void this.#redis.abandon(unused).then((gone) => table.forget(gone))
  }

  /** Whether it was made by this use only Redis knows, and says when it is abandoned. */
  #used(name: Key, isProvisional: boolean): void {
    if (!isProvisional) this.#provisional.keep(name)
    else if (!this.#provisional.opened(name)) this.#provisional.made(name, 1)
  }

  async #replace(script: Script, names: readonly Key[]): Promise<boolean> {
    const { table } = this.#options
    table.forget(names)
    const isTold = await this.#originate(script, names, [newValue(), PROVISIONAL_FENCE_MS])
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
    const taken = await this.#redis.run(script, names, args)
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
  async #notTaken(why: Exclude<Taken, 'yes'>, names: readonly Key[]): Promise<boolean> {
    const { bus } = this.#options
    const isRemoved = why === 'refused' && (await this.#redis.run(REMOVE, names, [])) === 'yes'
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
  async #read(
    names: readonly Key[],
    isProvisional = false,
  ): Promise<ReadonlyMap<Key, string> | null> {
    const { table } = this.#options
    if (!this.isInTouch()) return null
    const known = names.map((name) => table.valueOf(name))
    if (!known.includes(null)) return new Map(names.map((name, i) => [name, known[i] as string]))
    const fenceMs = isProvisional ? PROVISIONAL_FENCE_MS : this.#options.fenceLifetimeMs
    const first = await this.#ask(names, fenceMs)
    const isDone = first.isSound || first.values === null
    const { values } = isDone ? first : await this.#ask(names, fenceMs)
    return values
  }

  async #ask(
    names: readonly Key[],
    fenceMs: number,
  ): Promise<{ readonly values: ReadonlyMap<Key, string> | null; readonly isSound: boolean }> {
    const { table } = this.#options
    const reading = table.beginReading(names)
    const values = await this.#redis.open(names, fenceMs)
    const isSound = table.endReading(
      reading,
      names.map((name) => values.get(name) ?? null),
    )
    return { values: values.size === names.length ? values : null, isSound }
  }
}

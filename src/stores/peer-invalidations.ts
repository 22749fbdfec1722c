/**
 * Pending invalidations of the other instances: fences that should have changed in Redis, and could not be. Nothing
 * that lies under them is used here until their instance says that they have changed.
 *
 * A message may be lost, most of all by the fault that it tells of. So the revision of each instance's set comes with
 * everything that it publishes, its probes included, and whoever has another one asks for the whole set:
 *
 * 1. A's Redis takes no writes any more. A publishes its block over a connection that is about to end: it is lost.
 * 2. A's next probe says revision 1, with one fence pending. B has heard of none, and asks.
 * 3. A publishes all of its set; B has revision 1 from now on.
 *
 * An instance that starts hears of what was pending before it in the same way. When an instance is not heard any more,
 * its pending invalidations are everybody's who heard of them: it may have ended.
 */
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { BusMessage } from './bus.ts'
import type { FenceTable } from './fence-table.ts'
import type { PendingState } from './owed-changes.ts'

/** Who was not heard for so long may have ended: an instance is heard four times a second. */
const GONE_MS = 2_000
/** A set is asked for no more often: the answer may be under way. */
const ASK_AGAIN_MS = 200
/** Instances that are kept track of. */
const MAX_PEERS = 1_000

interface Peer {
  revision: number
  readonly names: Set<Key>
  heardAt: number
  askedAt: number
}

export interface PeerInvalidationsOptions {
  readonly clock: Clock
  readonly table: Pick<FenceTable, 'mark' | 'unmark'>
  /** Longest life of what Redis may hold under a fence that could not be changed. Milliseconds. */
  readonly recordLifetimeMs: number
  /** Asks an instance to publish all that it has pending. */
  readonly ask: (instance: string) => void
}

export class PeerInvalidations {
  readonly #options: PeerInvalidationsOptions
  readonly #peers = new Map<string, Peer>()

  constructor(options: PeerInvalidationsOptions) {
    this.#options = options
  }

  /** Another instance has said something, and its set is in `state` since. */
  heard(instance: string, [revision, size]: PendingState, message: BusMessage): void {
    const peer = this.#peerOf(instance)
    const now = this.#options.clock.monotonic()
    peer.heardAt = now
    const { block = [], unblock = [], isAll = false } = message
    const isNext = peer.revision === revision - 1
    if (size === 0 || isAll) {
      const all = new Set(size === 0 ? [] : block)
      this.#drop(
        instance,
        peer,
        [...peer.names].filter((name) => !all.has(name)),
      )
      this.#add(instance, peer, [...all])
    } else {
      // Names are added whatever was missed before; only a set that is known in full may shrink.
      this.#add(instance, peer, block)
      if (isNext) this.#drop(instance, peer, unblock)
    }
    const isChange = block.length + unblock.length > 0
    if (size === 0 || isAll || (isNext && isChange)) peer.revision = revision
    if (peer.revision === revision || now - peer.askedAt < ASK_AGAIN_MS) return
    peer.askedAt = now
    // guard: block-asked-for
    this.#options.ask(instance)
  }

  /** What is pending of instances that are not heard any more; they stay marked by `adopt`, which is called before they are let go of. */
  takeOver(adopt: (names: readonly Key[]) => void): void {
    const now = this.#options.clock.monotonic()
    for (const [instance, peer] of this.#peers) {
      if (now - peer.heardAt < GONE_MS && this.#peers.size <= MAX_PEERS) continue
      this.#peers.delete(instance)
      const names = [...peer.names]
      if (names.length === 0) continue
      // guard: block-taken-over
      adopt(names)
      this.#options.table.unmark(names, markOf(instance))
    }
  }

  get size(): number {
    let size = 0
    for (const { names } of this.#peers.values()) size += names.size
    return size
  }

  #peerOf(instance: string): Peer {
    const known = this.#peers.get(instance)
    if (known !== undefined) return known
    const peer: Peer = {
      revision: Number.NaN,
      names: new Set(),
      heardAt: 0,
      askedAt: Number.NEGATIVE_INFINITY,
    }
    this.#peers.set(instance, peer)
    return peer
  }

  #add(instance: string, { names }: Peer, added: readonly Key[]): void {
    if (added.length === 0) return
    const { table, recordLifetimeMs } = this.#options
    for (const name of added) names.add(name)
    table.mark(added, markOf(instance), recordLifetimeMs)
  }

  #drop(instance: string, { names }: Peer, dropped: readonly Key[]): void {
    if (dropped.length === 0) return
    for (const name of dropped) names.delete(name)
    this.#options.table.unmark(dropped, markOf(instance))
  }
}

/** Marks are told apart by whose they are: one instance's change says nothing of another's later write. */
function markOf(instance: string): string {
  return `blocked.${instance}`
}

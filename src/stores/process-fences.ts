/**
 * Fences of several processes on one machine, without Redis. Each process has the fences of `LocalFences`,
 * and every change is made in all of them before the one that makes it goes on: so, once a write has been
 * answered, no process serves what it has made stale. Values differ from process to process and never leave
 * one; a stamp is compared only where it was made, and a process that is started anew has neither.
 *
 * A write through A, while B has the bytes in memory:
 *
 * 1. A marks the fences, tells B, and waits. B marks them, and says so.
 * 2. A sends the write. Reads through B go to the upstream, and nothing is stored.
 * 3. The write is applied. A changes the fences, tells B, and waits. B changes them, and says so.
 * 4. A answers. What B has stored, or is just filling, bears stamps that hold no longer.
 *
 * Without the wait of step 3 B might be asked between the answer and the news. With it, B could hold A up
 * for as long as it likes; so B must not serve from memory without having been in touch a moment ago, and A
 * waits no longer than that:
 *
 * 1. B is stopped. A tells it of a change; B says nothing.
 * 2. B's lease runs out, a second after its last probe that was answered. A goes on, and answers its client.
 * 3. B goes on. A read comes in first: the lease is over, nothing is served from memory, nothing is joined.
 * 4. The news arrives, and after it the answer to B's next probe: one channel carries both, in order. B is in
 *    touch again, and what no news has ended is still good.
 */
import type { FenceSight, FenceStamp, FenceStore, OpenFence, PendingWrite } from '../cache/fence.ts'
import type { Key } from '../cache/key.ts'
import { newValue } from './fence-value.ts'
import type { LocalFences } from './local-fences.ts'
import type { News, Siblings } from './siblings.ts'

export class ProcessFences implements FenceStore {
  readonly #local: LocalFences
  readonly #siblings: Pick<Siblings, 'isInTouch' | 'tell'>
  /** Counts what was peeked at while out of touch. */
  #unheard = 0

  constructor(local: LocalFences, siblings: Pick<Siblings, 'isInTouch' | 'tell'>) {
    this.#local = local
    this.#siblings = siblings
  }

  holds(stamp: FenceStamp): boolean {
    return this.#siblings.isInTouch() && this.#local.holds(stamp)
  }

  peek(names: readonly Key[]): string {
    // Out of touch, a write may have been answered since any flight left: there is none to be joined.
    return this.#siblings.isInTouch() ? this.#local.peek(names) : `unheard ${++this.#unheard}`
  }

  sight(name: Key): FenceSight {
    const seen = this.#local.sight(name)
    return this.#siblings.isInTouch() ? seen : { name, value: null, isPending: true, mark: null }
  }

  isInTouch(): boolean {
    return this.#siblings.isInTouch()
  }

  async open(names: readonly Key[], kin: Key | null, isProvisional = false): Promise<OpenFence> {
    const opened = await this.#local.open(names, kin, isProvisional)
    return this.#siblings.isInTouch() ? opened : { ...opened, pending: true }
  }

  async extend(open: OpenFence, families: readonly Key[]): Promise<FenceStamp | null> {
    const stamp = await this.#local.extend(open, families)
    // Asked after the wait; and should touch be lost later, the stamp holds for nobody meanwhile.
    return this.#siblings.isInTouch() ? stamp : null
  }

  keep(stamp: FenceStamp): void {
    this.#local.keep(stamp)
  }

  /** In this process alone: in another the fence has another value, and exchanges of its own. */
  abandon(stamp: FenceStamp): void {
    this.#local.abandon(stamp)
  }

  async begin(names: readonly Key[], lifetimeMs: number): Promise<PendingWrite> {
    const write = await this.#local.begin(names, lifetimeMs, newValue())
    if (names.length > 0) await this.#tell({ kind: 'begun', ...write, lifetimeMs })
    return write
  }

  async settle(write: PendingWrite, also: readonly Key[], holdMs: number): Promise<void> {
    const names = [...new Set([...write.names, ...also])]
    await this.#local.settle({ id: write.id, names }, [], holdMs)
    if (names.length > 0) await this.#tell({ kind: 'settled', id: write.id, names, holdMs })
  }

  async restore(write: PendingWrite): Promise<void> {
    await this.#local.restore(write)
    if (write.names.length > 0) await this.#tell({ kind: 'restored', ...write })
  }

  async change(names: readonly Key[]): Promise<boolean> {
    await this.#local.change(names)
    if (names.length > 0) await this.#tell({ kind: 'changed', names })
    return true
  }

  async mark(names: readonly Key[]): Promise<boolean> {
    await this.#local.mark(names)
    if (names.length > 0) await this.#tell({ kind: 'marked', names })
    return true
  }

  /** A change by another process. The counterpart of `#tell`: it tells nobody. Done when it returns. */
  received(news: News): void {
    // What is asynchronous here in type has happened in full by the time the call returns.
    if (news.kind === 'begun') void this.#local.begin(news.names, news.lifetimeMs, news.id)
    else if (news.kind === 'settled') void this.#local.settle(news, [], news.holdMs)
    else if (news.kind === 'restored') void this.#local.restore(news)
    else if (news.kind === 'changed') void this.#local.change(news.names)
    else if (news.kind === 'marked') void this.#local.mark(news.names)
  }

  #tell(news: News): Promise<void> {
    return this.#siblings.tell(news)
  }
}

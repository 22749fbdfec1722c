/**
 * What the processes of one instance share without Redis: fences, and the knowledge of what has ended. Bodies
 * and grants they do not share: each process fills its own memory.
 */
import { LRUCache } from 'lru-cache'
import type { FenceStore } from '../cache/fence.ts'
import { type Key, tenantOf } from '../cache/key.ts'
import type { MemoryStore } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { LocalFences } from './local-fences.ts'
import { ProcessFences } from './process-fences.ts'
import type { News, Siblings } from './siblings.ts'

export interface ProcessStateOptions {
  readonly siblings: Siblings
  readonly clock: Clock
  readonly memory: MemoryStore
  readonly maxFences: number
  /** Another process says that a credential has changed its version. */
  readonly onPinChange: (partition: string, version: string | null) => void
  /** An invalidation of another process was heard. */
  readonly onHeard: () => void
}

export interface ProcessState {
  readonly fences: FenceStore
  /** The given memory; what is put into it to say that something has ended is told to the others. */
  readonly memory: MemoryStore
  /** A credential's version pin as it is now; null: not known. As `OnKnown` is told it. */
  notePin(partition: string, version: string | null, isKept: boolean): void
  /** The upstream has ended these grants, of which this process may have none. */
  refused(grants: readonly Key[]): void
}

/** Credentials whose pin the others were told. */
const MAX_NOTED = 10_000

export function createProcessState(options: ProcessStateOptions): ProcessState {
  const { siblings, clock, memory, maxFences } = options
  const fences = new ProcessFences(new LocalFences({ clock, maxFences }), siblings)
  // What the others know of a credential's pin already, they need not be told with every fill.
  const noted = new LRUCache<string, string>({ max: MAX_NOTED })
  siblings.onNews((news) => {
    fences.received(news)
    if (news.kind === 'pinned') {
      noted.delete(news.partition)
      options.onPinChange(news.partition, news.version)
    } else if (news.kind === 'ended') {
      remember(memory, news, clock.monotonic())
    } else {
      options.onHeard()
    }
  })
  return {
    fences,
    memory: tellingMemory(memory, siblings),
    notePin: (partition, version, isKept) => {
      const told = version ?? ''
      if (noted.get(partition) === told) return
      if (isKept) noted.set(partition, told)
      else noted.delete(partition)
      void siblings.tell({ kind: 'pinned', partition, version })
    },
    refused: (grants) => {
      void siblings.tell({ kind: 'ended', superseded: [], withdrawn: [], refused: grants })
    },
  }
}

function remember(memory: MemoryStore, ended: News & { kind: 'ended' }, now: number): void {
  for (const key of ended.superseded) {
    memory.set(key, { kind: 'superseded', at: now }, tenantOf(key))
  }
  for (const key of [
    ...ended.withdrawn,
    ...ended.refused.filter((key) => memory.peek(key) !== undefined),
  ]) {
    memory.set(key, { kind: 'withdrawal', witnessedAt: now }, tenantOf(key))
  }
}

/** A refusal ends the grants of all versions at once: one message for all that ends in one step. */
function tellingMemory(memory: MemoryStore, siblings: Pick<Siblings, 'tell'>): MemoryStore {
  const superseded: Key[] = []
  const withdrawn: Key[] = []
  const note = (list: Key[], key: Key): void => {
    if (superseded.length + withdrawn.length === 0) queueMicrotask(flush)
    list.push(key)
  }
  const flush = (): void => {
    const taken = { superseded: superseded.splice(0), withdrawn: withdrawn.splice(0) }
    void siblings.tell({ kind: 'ended', ...taken, refused: [] })
  }
  return {
    get: (key) => memory.get(key),
    peek: (key) => memory.peek(key),
    set: (key, record, tenant) => {
      memory.set(key, record, tenant)
      if (record.kind === 'superseded') note(superseded, key)
      else if (record.kind === 'withdrawal') note(withdrawn, key)
    },
    delete: (key) => memory.delete(key),
    largestTenants: (count) => memory.largestTenants(count),
    get bytes() {
      return memory.bytes
    },
    get entries() {
      return memory.entries
    },
    get evictions() {
      return memory.evictions
    },
  }
}

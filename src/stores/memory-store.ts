/**
 * The memory tier: lru-cache, bounded in bytes. Eviction is by recency and never a correctness event;
 * lifetimes are judged by the reader, so lru-cache's own TTL is not used.
 */
import { LRUCache } from 'lru-cache'
import type { Key } from '../cache/key.ts'
import type { MemoryStore } from '../cache/ports.ts'
import type { StoredRecord } from '../cache/records.ts'

/**
 * What a record costs beside its texts and body: the object, its fields, its slot in the LRU's tables; and
 * what one fence in a stamp costs. Fitted to heap growth over 100,000 records of each kind on Node 20:
 * 1,484 bytes for an admission and 1,724 for a grant of three fences, 4,194 for a representation of 1,859.
 */
const RECORD_OVERHEAD_BYTES = 700
const FENCE_OVERHEAD_BYTES = 250

/**
 * What lru-cache does by itself; named once, it makes no options of its own for each of a hit's three look-ups. It
 * writes into them what it tells subscribers of its diagnostics channel, of which there are none here.
 */
const AS_EVER = { allowStale: false, updateAgeOnGet: false, noDeleteOnStaleGet: false }

export interface MemoryStoreLimits {
  readonly maxBytes: number
  /** What a body of this length may take beside itself, in the other forms in which it is sent. */
  readonly formBytes?: (length: number) => number
}

export function createMemoryStore({
  maxBytes,
  formBytes = () => 0,
}: MemoryStoreLimits): MemoryStore {
  const records = new LRUCache<Key, StoredRecord>({
    maxSize: maxBytes,
    sizeCalculation: (record, key) => sizeOf(record, formBytes) + key.length,
  })
  return {
    get: (key) => records.get(key, AS_EVER),
    peek: (key) => records.peek(key),
    set: (key, record) => void records.set(key, record),
    delete: (key) => void records.delete(key),
    get bytes() {
      return records.calculatedSize
    },
    get entries() {
      return records.size
    },
  }
}

function sizeOf(record: StoredRecord, formBytes: (length: number) => number): number {
  let size = RECORD_OVERHEAD_BYTES
  if (record.kind === 'representation') {
    size += record.body.length + formBytes(record.body.length)
    for (const [name, value] of record.headers) size += name.length + value.length + 32
  }
  if ('stamp' in record) {
    for (const [name, value] of record.stamp) {
      size += name.length + value.length + FENCE_OVERHEAD_BYTES
    }
  }
  return size
}

/**
 * The memory tier, bounded in bytes, which tenants share fairly (`fair-map.ts`). Eviction is never a correctness
 * event; lifetimes are judged by the reader.
 */
import type { MemoryStore } from '../cache/ports.ts'
import type { StoredRecord } from '../cache/records.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { FairMap } from './fair-map.ts'

/** Milliseconds for which a tenant counts as in use after a hit or a fill. */
export const IN_USE_MS = 600_000

/**
 * What a record costs beside its texts and body: the object, its fields, its entry and the map's slot; and
 * what one fence in a stamp costs. Fitted to heap growth over 100,000 records of each kind on Node 20:
 * 1,484 bytes for an admission and 1,724 for a grant of three fences, 4,194 for a representation of 1,859.
 */
const RECORD_OVERHEAD_BYTES = 700
const FENCE_OVERHEAD_BYTES = 250

export interface MemoryStoreLimits {
  readonly maxBytes: number
  /** What a body of this length may take beside itself, in the other forms in which it is sent. */
  readonly formBytes?: (length: number) => number
  readonly clock?: Pick<Clock, 'monotonic'>
}

export function createMemoryStore({
  maxBytes,
  formBytes = () => 0,
  clock = systemClock,
}: MemoryStoreLimits): MemoryStore {
  const records = new FairMap<StoredRecord>(maxBytes, IN_USE_MS)
  return {
    get: (key) => records.get(key),
    peek: (key) => records.peek(key),
    set(key, record, tenant) {
      const size = sizeOf(record, formBytes) + key.length
      records.set(key, { value: record, size, tenant }, clock.monotonic())
    },
    delete: (key) => records.delete(key),
    largestTenants: (count) => records.largestTenants(count),
    get bytes() {
      return records.size
    },
    get entries() {
      return records.count
    },
    get evictions() {
      return records.evictions
    },
  }
}

function sizeOf(record: StoredRecord, formBytes: (length: number) => number): number {
  let size = RECORD_OVERHEAD_BYTES
  if (record.kind === 'representation') {
    // guard: forms-counted
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

/** Counts what is in the collections that a piece of code makes and keeps, private ones included. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Tracked {
  /** Entries of all maps and sets that were made meanwhile and are still there. */
  readonly total: number
  /** The most that one of them has. */
  readonly largest: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is made first is what is kept; the rest is mostly made for one call. */
const MAX_COLLECTIONS = 500

/** @param work the collections that are made while it runs are counted, if what it returns still holds them */
export async function track(work: () => unknown): Promise<Tracked> {
  const made: WeakRef<{ readonly size: number }>[] = []
  const note = (one: { readonly size: number }): void => {
    if (made.length < MAX_COLLECTIONS) made.push(new WeakRef(one))
  }
  const { Map: PlainMap, Set: PlainSet } = globalThis
  globalThis.Map = class<K, V> extends PlainMap<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries)
      note(this)
    }
  } as MapConstructor
  globalThis.Set = class<T> extends PlainSet<T> {
    constructor(values?: Iterable<T> | null) {
      super(values)
      note(this)
    }
  } as SetConstructor
  const held: unknown[] = []
  try {
    held.push(await work())
  } finally {
    globalThis.Map = PlainMap
    globalThis.Set = PlainSet
  }
  // A reference keeps its target until the turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const sizes = made.map((one) => one.deref()?.size ?? 0)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0)
  // Until here, what was kept is in use.
  held.length = 0
  return { total, largest }
}

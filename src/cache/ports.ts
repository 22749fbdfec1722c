/**
 * What the cache needs of the world. `stores/` and `upstream/` implement these; `app.ts` chooses.
 */
import type { Readable } from 'node:stream'
import type { Key } from './key.ts'
import type { HeaderList, StoredRecord } from './records.ts'

/** The memory tier. Synchronous from end to end, and by type. */
export interface MemoryStore {
  get(key: Key): StoredRecord | undefined
  /** May evict others, or refuse: removal for space is never a correctness event. */
  set(key: Key, record: StoredRecord): void
  delete(key: Key): void
  /** Bytes in use, by the store's own estimate. */
  readonly bytes: number
  readonly entries: number
}

/** An answer of the upstream, complete in memory. */
export interface BufferedAnswer {
  readonly kind: 'buffered'
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly body: Buffer
  /** Monotonic milliseconds; the request left no earlier than this. */
  readonly sentAt: number
}

/** An answer above `cache.maxBodyBytes`. Whoever takes `stream` must consume or destroy it. */
export interface StreamedAnswer {
  readonly kind: 'streamed'
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly stream: Readable
  readonly sentAt: number
}

/** `unreachable`: no valid answer came. `timeout`: none came within its deadline. */
export type UpstreamFailure = { readonly kind: 'unreachable' } | { readonly kind: 'timeout' }

export type UpstreamAnswer = BufferedAnswer | StreamedAnswer | UpstreamFailure

/**
 * Reads the resource from the upstream for the request's own credential. Never rejects: a failure is
 * a value. `deadline` is absolute, on the monotonic clock.
 */
export type Fetch = (deadline: number) => Promise<UpstreamAnswer>

/** Reads from the upstream with a caller's own credential; what `Fetch` is made of. */
export interface ReadUpstream {
  /**
   * @param path the path as the client sent it
   * @param deadline monotonic milliseconds
   */
  read(
    path: string,
    headers: {
      readonly authorization: string
      readonly tenant: string
      readonly version: string | null
      readonly requestId: string
    },
    deadline: number,
  ): Promise<UpstreamAnswer>
}

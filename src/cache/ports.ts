/**
 * What the cache needs of the world. `stores/` and `upstream/` implement these; `app.ts` chooses.
 */
import type { Readable } from 'node:stream'
import type { Span } from '../lib/tracer.ts'
import type { Key } from './key.ts'
import type { Admission, Grant, HeaderList, Representation, StoredRecord } from './records.ts'

/** What one tenant has in the memory tier. */
export interface TenantBytes {
  readonly tenant: string
  readonly bytes: number
}

/** The memory tier. Synchronous from end to end, and by type. */
export interface MemoryStore {
  get(key: Key): StoredRecord | undefined
  /** As `get`, for one who only looks: it does not count as use. */
  peek(key: Key): StoredRecord | undefined
  /**
   * May evict others, or refuse: removal for space is never a correctness event.
   *
   * @param tenant against whose share of the memory the record counts
   */
  set(key: Key, record: StoredRecord, tenant: string): void
  delete(key: Key): void
  /** The tenants with most bytes, most first. */
  largestTenants(count: number): readonly TenantBytes[]
  /** Bytes in use, by the store's own estimate. */
  readonly bytes: number
  readonly entries: number
  /** Entries that made room for others, so far. */
  readonly evictions: number
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

/** An answer that can't be kept, whatever it says. Whoever takes `stream` must consume or destroy it. */
export interface StreamedAnswer {
  readonly kind: 'streamed'
  /** It is above `cache.maxBodyBytes`, or nothing shows that it is whole: then `stream` ends with an error. */
  readonly why: 'size' | 'unproven'
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly stream: Readable
  readonly sentAt: number
}

/**
 * Why a call to the upstream has failed. A closed vocabulary: log lines, metrics and the dashboard have these words.
 *
 * - `dns`: its name has no address, or the name could not be looked up
 * - `refused`: nothing listens at its address
 * - `no-route`: no network leads to its address
 * - `local`: this host can't open a connection: no descriptor, port or memory is left, or it is not permitted
 * - `connect-timeout`: no connection within `upstream.connectTimeoutMs`
 * - `tls`: the handshake failed, or the certificate was not accepted
 * - `reset`: the connection ended before the answer began
 * - `truncated`: the connection ended within the answer
 * - `bad-http`: the answer is no valid HTTP, or no answer to the request
 * - `headers-timeout`: the answer did not begin within `upstream.headersTimeoutMs`
 * - `body-timeout`: a pause within the body was longer than `upstream.bodyTimeoutMs`
 * - `total-timeout`: the answer took longer than `upstream.totalTimeoutMs`, or its stream than `upstream.streamTimeoutMs`
 * - `queue-timeout`: no connection was free in time; nothing was sent
 * - `stopping`: the process ends
 */
export type UpstreamCause =
  | 'dns'
  | 'refused'
  | 'no-route'
  | 'local'
  | 'connect-timeout'
  | 'tls'
  | 'reset'
  | 'truncated'
  | 'bad-http'
  | 'headers-timeout'
  | 'body-timeout'
  | 'total-timeout'
  | 'queue-timeout'
  | 'stopping'

/** A call to the upstream that has failed, as log lines and metrics have it. */
export interface FailedCall {
  readonly cause: UpstreamCause
  /** As the system, Node.js, OpenSSL or undici has it; null: none. */
  readonly code: string | null
  /** Name of the error's class. */
  readonly type: string
  /** What OpenSSL or the parser of HTTP objects to, in its own words; null: neither does. */
  readonly reason: string | null
  /** Null: the request had not come so far. */
  readonly requestId: string | null
}

/**
 * `unreachable`: no valid answer came. `timeout`: none came within its deadline. `paused`: not sent, since no answer came
 * recently. `limited`: not sent, the tenant has to wait.
 */
export type UpstreamFailure =
  | {
      readonly kind: 'unreachable' | 'timeout'
      readonly cause: UpstreamCause
      /** False: not a byte of the request has left. */
      readonly wasSent: boolean
    }
  | { readonly kind: 'paused' | 'limited'; readonly retryAfterMs: number }

export type UpstreamAnswer = BufferedAnswer | StreamedAnswer | UpstreamFailure

/** Whether the upstream knows nothing of the request. */
export function isUnsent(answer: UpstreamAnswer): boolean {
  return 'retryAfterMs' in answer || ('wasSent' in answer && !answer.wasSent)
}

/**
 * Reads the resource from the upstream for the request's own credential. A failure of the upstream is a value; it rejects
 * with a fault of our own only. `deadline` is absolute, on the monotonic clock; the call is part of `span`.
 */
export type Fetch = (deadline: number, span: Span) => Promise<UpstreamAnswer>

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
      readonly span: Span
      /** The credential's. */
      readonly partition: string
      /** The upstream has accepted the credential in this tenant of late. */
      readonly isAccepted: boolean
    },
    deadline: number,
  ): Promise<UpstreamAnswer>
}

/** A credential as the second tier knows it, under one secret. */
export interface TierCredential {
  readonly partition: string
  readonly grantKey: Key
  readonly admissionKey: Key
  /** What a representation's key holds beside the digest, when freshness is private. */
  readonly scope: string
  /** Opens what was sealed for this credential in this tenant; made from the token itself. */
  readonly seal: Buffer
}

export interface TierQuery {
  readonly tenant: string
  readonly viewKey: Key
  /** The tenant's fences that guard the view, the kin fence included. */
  readonly fences: readonly Key[]
  /** The same credential under each secret that is still known, the present one first. */
  readonly credentials: readonly TierCredential[]
  /** The upstream has not accepted the credential, as far as is known: fences made on the way are provisional. */
  readonly isProvisional: boolean
}

/** Times are on this process's monotonic clock. Whose they are, the seal has proved; whether anything may be served is judged elsewhere. */
export interface TierFound {
  readonly grant: Omit<Grant, 'holder'> | null
  readonly admission: Omit<Admission, 'holder'> | null
  readonly representation: Representation | null
  /** The version that the credential last used upstream, through any instance; null: not known. */
  readonly pinnedVersion: string | null
  /** Found under a secret that is being retired: to be stored anew. */
  readonly isFormer: boolean
}

export interface TierEntry {
  readonly tenant: string
  readonly viewKey: Key
  readonly credential: TierCredential
  readonly grant: Grant
  readonly admission: Admission | null
  readonly representation: Representation
  /** To be noted with it; null: nothing is to be noted. */
  readonly pinnedVersion: string | null
}

/** The right to ask the upstream on behalf of all instances, or the wait for whoever has it. */
export interface Turn {
  readonly isOurs: boolean
  /**
   * When it is another's: until that one's fill has landed, or was given up. With a turn of our own, which is
   * that one's: it has died. Never rejects.
   */
  readonly landed: Promise<Turn | null>
  /** When it is ours: the fill has landed. When it is another's: nobody here waits for it any longer. */
  end(): void
}

/** What a look into the shared tier has brought. */
export interface TierRead {
  /** What there is for the credential; null: the tier can't be asked. */
  readonly found: TierFound | null
  /** Taken, or another's, because there was no grant; null: it was not asked for. */
  readonly turn: Turn | null
}

/** What the shared tier holds for a credential, as one sees it who only looks. */
export interface TierGlance {
  readonly hasGrant: boolean
  readonly hasAdmission: boolean
  /** What is under the seals; null: they could not be opened. */
  readonly found: TierFound | null
  /** Fences as the tier has them; null: it has none of that name. */
  readonly fences: ReadonlyMap<Key, { readonly value: string; readonly isPending: boolean } | null>
}

/** The shared tier for one who only looks: nothing is created, removed, or learnt. */
export interface TierSight {
  readonly isUsable: boolean
  /**
   * @param canOpen whether the credentials' seals are the real ones
   * @returns null: the tier can't be asked
   */
  glance(query: TierQuery, canOpen: boolean): Promise<TierGlance | null>
  /** Whether some instance is asking the upstream on behalf of all; `key` as for `takeTurn`. */
  isTurnTaken(tenant: string, key: Key): Promise<boolean>
}

/** The tier that all instances share. It may be gone at any moment; nothing here rejects. */
export interface SharedTier {
  /** False: nothing is to be had from it now, and nothing is lost by not asking. */
  readonly isUsable: boolean
  /** @param turn whose turn it is, as for `takeTurn`, is to be settled on the way, if there is no grant */
  read(query: TierQuery, turn: Key | null): Promise<TierRead>
  /** Stores what a fill has brought, if no fence has changed since it began. False: it was not stored. */
  keep(entry: TierEntry): Promise<boolean>
  /** These bytes are no longer current, on any instance. `representation`: their key. */
  supersede(tenant: string, representation: Key): void
  /** The upstream has ended these grants. */
  withdraw(tenant: string, grants: readonly Key[]): void
  takeTurn(tenant: string, key: Key): Promise<Turn>
}

/** Tenants whose cache is off, as this process knows them. */
export interface SwitchedTenants {
  set(tenant: string, isOff: boolean): void
}

/** Who has applied what all instances were told. */
export interface Roll {
  /** Instances that say so, this one included. */
  readonly acked: number
  /** Instances that were heard of lately, this one included. */
  readonly known: number
}

/** Asks every instance whether it has applied whatever it was told before. Never rejects, and soon ends. */
export interface RollCall {
  call(): Promise<Roll>
}

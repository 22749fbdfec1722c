/**
 * The other processes of this instance, as the stores need them (`server.processes` without Redis). What one
 * of them has found out is *news*; nothing in it is a body, a token, or a path.
 */
import type { Key } from '../cache/key.ts'

export type News =
  /** A write was announced: these fences are pending, for so long at most. */
  | {
      readonly kind: 'begun'
      readonly id: string
      readonly names: readonly Key[]
      readonly lifetimeMs: number
    }
  /** Its outcome is known, and changes these fences; or it is not, and they stay pending for `holdMs`. */
  | {
      readonly kind: 'settled'
      readonly id: string
      readonly names: readonly Key[]
      readonly holdMs: number
    }
  /** It was rejected: its fences are no longer pending, and have not changed. */
  | { readonly kind: 'restored'; readonly id: string; readonly names: readonly Key[] }
  /** Fences changed at once: purge, or a credential that the upstream refused. */
  | { readonly kind: 'changed'; readonly names: readonly Key[] }
  /** Fences marked by a soft purge: what they guard is stale. */
  | { readonly kind: 'marked'; readonly names: readonly Key[] }
  /** Bytes that were overtaken by others, and grants that the upstream has ended. */
  | {
      readonly kind: 'ended'
      readonly superseded: readonly Key[]
      readonly withdrawn: readonly Key[]
      /** Grants that the upstream has ended, if there are any: who told of it may have had none. */
      readonly refused: readonly Key[]
    }
  /** A credential's version pin; null: not known. */
  | { readonly kind: 'pinned'; readonly partition: string; readonly version: string | null }

export interface Siblings {
  /** Whether it is certain that all news of the others was heard. Synchronous: it is on the way of every hit. */
  isInTouch(): boolean
  /**
   * Resolves when each of the others has heard it, or can no longer serve what it ends: it is gone, or has
   * been out of touch for long enough. Never rejects.
   */
  tell(news: News): Promise<void>
  /** To be called once. What `hear` does for fences is done when it returns. */
  onNews(hear: (news: News) => void): void
}

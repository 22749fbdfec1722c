/**
 * What the primary and its workers say to one another, on the channel that Node opens between them. It keeps
 * the order and loses nothing; both ends know it only as JSON.
 */
import type { Config } from '../config/schema.ts'
import type { CarriedRequest } from '../ops/primary-server.ts'
import type { News } from '../stores/siblings.ts'

/** What a worker can be asked for. */
export type Question =
  | { readonly about: 'metrics' }
  /** What its trackers have seen. */
  | { readonly about: 'observations' }
  | { readonly about: 'request'; readonly request: CarriedRequest }

export type ToPrimary =
  /** The worker is there, and hears. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'listening'; readonly url: string }
  /** It can't serve. `key`: of the configuration, where that is at fault; `code`: of the error. */
  | {
      readonly kind: 'failed'
      readonly key: string | null
      readonly reason: string
      readonly code: string | null
    }
  /** Asks for an echo. `sentAt`: the worker's own monotonic time. */
  | { readonly kind: 'probe'; readonly sentAt: number }
  /** To be passed on to all others; `n` counts what this worker has told. */
  | { readonly kind: 'tell'; readonly n: number; readonly news: News }
  /** News `n` of the primary's counting was heard, and has taken effect. */
  | { readonly kind: 'heard'; readonly n: number }
  | { readonly kind: 'answer'; readonly n: number; readonly value: unknown }

export type ToWorker =
  /** In full: a file that has changed since must not make the workers differ, nor a secret of their own. */
  | { readonly kind: 'start'; readonly config: Config }
  | { readonly kind: 'echo'; readonly sentAt: number }
  | { readonly kind: 'news'; readonly n: number; readonly news: News }
  /** What was told as `n` has been heard by all who could be of harm. */
  | { readonly kind: 'done'; readonly n: number }
  | { readonly kind: 'ask'; readonly n: number; readonly question: Question }
  | { readonly kind: 'drain' }

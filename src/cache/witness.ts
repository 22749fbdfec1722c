/**
 * What an answer proves (`docs/sharing.md`): that the upstream gave this
 * credential exactly this digest at a moment not before the request was sent. Pure.
 */
import type { Grant, Representation, Superseded, Withdrawal } from './records.ts'

export interface Testimony {
  /** What was known of this credential and this view before. */
  readonly previous: Grant | Withdrawal | undefined
  /** What is stored under the digest that the answer brought. */
  readonly present: Representation | Superseded | undefined
  readonly digest: string
  /** When the request left. The upstream may have made the answer at any moment since. */
  readonly sentAt: number
}

export type Proof =
  /** Something newer is known already: answer the client with it, and believe nothing. */
  | { readonly kind: 'outdated' }
  /** The credential now holds `digest`; `supersedes` is the digest that it held until now. */
  | { readonly kind: 'witnessed'; readonly supersedes: string | null }

const OUTDATED: Proof = { kind: 'outdated' }

/**
 * Two answers can overtake each other:
 *
 * 1. A asks; the upstream renders D0 and its answer dawdles.
 * 2. The record changes, unseen.
 * 3. B asks, is given D1, and its answer arrives: D0 is superseded, as of B's request.
 * 4. A's answer arrives with D0. A was sent before B: believing it would revive D0 for all.
 */
export function weigh({ previous, present, digest, sentAt }: Testimony): Proof {
  if (previous !== undefined && previous.witnessedAt > sentAt) return OUTDATED
  if (present?.kind === 'superseded' && present.at >= sentAt) return OUTDATED
  const changed = previous?.kind === 'grant' && previous.digest !== digest
  // guard: change-overtakes
  return { kind: 'witnessed', supersedes: changed ? previous.digest : null }
}

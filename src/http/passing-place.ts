/**
 * A place on the connections to the API for what passes through, taken before anything of a request is announced or
 * sent. What finds none in time, or whose client leaves before, was not sent.
 */
import type { Readable } from 'node:stream'
import type { Standings } from '../cache/standing.ts'
import type { Clock } from '../lib/clock.ts'
import type { Presence } from '../lib/presence.ts'
import type { Asker, Places } from '../upstream/places.ts'
import { whenClosed } from '../upstream/when-closed.ts'
import type { PassedAnswer } from './forward.ts'
import type { Passage } from './passage.ts'

/** Too many wait for a place. */
export class HeldBack extends Error {
  override readonly name = 'HeldBack'
}

/** No place came in time. */
export class PlaceTooLate extends Error {
  override readonly name = 'PlaceTooLate'
}

/** The client has left before its answer, and nobody waits for it. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** When who was held back may try again. */
export const HELD_BACK_RETRY_MS = 2_000

export interface PlaceDependencies {
  readonly places: Places
  readonly standings: Pick<Standings, 'isAccepted'>
  readonly clock: Clock
  /** Longest that a request waits for its place. */
  readonly totalTimeoutMs: number
}

/**
 * Calls `send` in a place among those that go to the API, with the milliseconds that are left for the answer. The place
 * is held as long as the answer's body comes.
 *
 * @throws what `send` throws; HeldBack, PlaceTooLate, ClientGone: it was not called
 */
export async function inPlace(
  passage: Passage,
  presence: Presence,
  deps: PlaceDependencies,
  send: (totalMs: number) => Promise<PassedAnswer>,
): Promise<PassedAnswer> {
  const { places, clock, totalTimeoutMs } = deps
  const from = clock.monotonic()
  const asker = await takePlace(passage, presence, from + totalTimeoutMs, deps)
  let stream: Readable | null = null
  try {
    const answer = await send(Math.max(0, from + totalTimeoutMs - clock.monotonic()))
    if (!Buffer.isBuffer(answer.body)) stream = answer.body
    return answer
  } finally {
    if (stream === null) places.leave(asker)
    // guard: place-until-read
    else whenClosed(stream, () => places.leave(asker))
  }
}

/** @param deadline until when to wait, in monotonic milliseconds */
async function takePlace(
  passage: Passage,
  presence: Presence,
  deadline: number,
  deps: PlaceDependencies,
): Promise<Asker> {
  const { places } = deps
  const { head, credential } = passage
  const partition = credential?.partition ?? ''
  const asker = { tenant: head.tenant ?? '', partition, isAccepted: isAccepted(passage, deps) }
  if (!places.tryTake(asker)) {
    const entry = await places.take(asker, deadline, presence)
    if (entry === 'gone') throw new ClientGone('the client has left')
    if (entry === 'late') throw new PlaceTooLate('no place came in time')
    if (entry === 'full') throw new HeldBack('too many wait for a place')
  }
  if (!presence.hasGone) return asker
  places.leave(asker)
  throw new ClientGone('the client has left')
}

/** Whether the API is known to accept the credential of the request in its tenant. */
export function isAccepted(
  { head, credential }: Passage,
  { standings }: Pick<PlaceDependencies, 'standings'>,
): boolean {
  if (credential === null || head.tenant === null) return false
  return standings.isAccepted(head.tenant, credential)
}

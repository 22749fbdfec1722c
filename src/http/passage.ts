/**
 * One request that passes through to the upstream: what is known of it before it leaves, and the order in
 * which a write is held, announced, sent, settled and answered (docs/coherence.md).
 */
import type { PinUse, VersionPins } from '../auth/version-pins.ts'
import type { FenceStamp } from '../cache/fence.ts'
import { type Invalidator, isInDoubt, type WriteOutcome } from '../cache/invalidation.ts'
import type { Outcome } from '../cache/outcome.ts'
import type { Reporter } from '../cache/report.ts'
import { headerValue } from '../cache/representation.ts'
import type { RequestCredential } from '../cache/request.ts'
import type { Answered, Standings } from '../cache/standing.ts'
import type { RouteMatch, WriteMatch } from '../contract/routes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Span } from '../lib/tracer.ts'
import type { Content } from './content.ts'
import {
  type ForwardDependencies,
  forward,
  type PassedAnswer,
  type Sending,
  type Source,
} from './forward.ts'
import type { HeldMemory } from './held-memory.ts'
import { ClientGone, inPlace, isAccepted, type PlaceDependencies } from './passing-place.ts'
import type { Preflight } from './preflight.ts'
import type { RequestHead } from './validate.ts'
import type { LimitedWrite, WriteLimit } from './write-limit.ts'

/** What the pipeline knows of a request that passes through. */
export interface Passage {
  readonly head: RequestHead
  /** Null only on a CORS preflight. */
  readonly credential: RequestCredential | null
  readonly outcome: Outcome
  /** Below a cached resource: what the write makes stale. */
  readonly write: WriteMatch | null
  /** On a cached route, skipping the cache. */
  readonly read: RouteMatch | null
  /** The target is a resource whose reads are cached, whatever is done with it. */
  readonly isCached: boolean
  /** Null: it is none whose answer could be remembered. */
  readonly preflight: Preflight | null
  /** Name of the cached route, or id of the write row; null: neither. */
  readonly route: string | null
  /** The request, as its trace tells of it. */
  readonly span: Span
  /** When it arrived, in monotonic milliseconds. */
  readonly startedAt: number
  /** Address of the client, where it is to be reported. */
  readonly client: string | null
}

export interface PassageDependencies extends ForwardDependencies, PlaceDependencies {
  readonly pins: VersionPins
  readonly invalidator: Invalidator
  readonly standings: Standings
  readonly held: HeldMemory
  readonly writeLimit: WriteLimit
  readonly clock: Clock
  readonly reporter: Reporter
}

/** Of a write of which no byte has left. */
const UNSENT: WriteOutcome = { isSent: false, status: null, requestBody: null, responseBody: null }

/**
 * Sends the request and gives its answer, everything that follows from it done. Rejects when no valid
 * answer comes; a write is settled first, as one of unknown outcome if a byte of it may have left. A write is
 * sent exactly once, and one that is on its way is followed to its outcome, whoever still waits for it.
 *
 * @param content null: the request has none
 */
export async function conduct(
  passage: Passage,
  source: Source,
  content: Content | null,
  deps: PassageDependencies,
): Promise<PassedAnswer> {
  const { write } = passage
  const { presence } = source
  if (write === null) {
    return inPlace(passage, presence, deps, (totalMs) =>
      sendAndLearn(passage, { source, content, totalMs, onOutcome: () => {} }, deps),
    )
  }
  const tenant = passage.head.tenant ?? ''
  let limited: LimitedWrite | null = null
  try {
    const isKnown = isAccepted(passage, deps)
    if (!isKnown) deps.writeLimit.check(tenant)
    // 1. The content of a write is held until it is whole: what breaks off by then was never a write.
    await content?.hold(deps.held, { tenant, isAccepted: isKnown })
    // 2. It takes its place before it is announced: one that gets none, or may not be sent, has changed nothing.
    if (!isKnown) limited = await deps.writeLimit.begin(tenant)
    // guard: write-limit
    const onEnd = (outcome: WriteOutcome): void => limited?.end(isInDoubt(outcome))
    return await inPlace(passage, presence, deps, (totalMs) =>
      conductWrite(passage, write, { source, content, totalMs }, onEnd, deps),
    )
  } finally {
    limited?.end(false)
    content?.release()
  }
}

/** @param onEnd called once it is settled */
async function conductWrite(
  passage: Passage,
  write: WriteMatch,
  request: Omit<Sending, 'onOutcome'>,
  onEnd: (outcome: WriteOutcome) => void,
  deps: PassageDependencies,
): Promise<PassedAnswer> {
  const { invalidator, reporter } = deps
  // 3. It is announced: from here on nothing that it may change is served or stored.
  const tenant = passage.head.tenant ?? ''
  const announced = await invalidator.announce(tenant, write, isAccepted(passage, deps))
  let outcome = UNSENT
  const onOutcome = (known: WriteOutcome): void => {
    outcome = known
  }
  try {
    if (request.source.presence.hasGone) throw new ClientGone('the client has left')
    // 4. Send, and learn what the status says of the credential.
    return await sendAndLearn(passage, { ...request, onOutcome }, deps)
  } finally {
    // 5. Settle before the client is answered: whoever reads after that reads the new state.
    if (await invalidator.settle(announced, outcome)) reporter.invalidated('write')
    onEnd(outcome)
  }
}

async function sendAndLearn(
  passage: Passage,
  sending: Sending,
  deps: PassageDependencies,
): Promise<PassedAnswer> {
  const use = await useCredential(passage, deps)
  let version: string | null = null
  try {
    const answer = await forward(passage, sending, deps)
    version = headerValue(answer.headers, 'x-api-version')
    if (use !== null) await deps.standings.learn(answered(passage, answer.status, use))
    return answer
  } finally {
    if (use !== null) endUse(use, version, deps)
  }
}

/** A credential for as long as a request of it is on its way. */
interface CredentialUse {
  readonly tenant: string
  readonly credential: RequestCredential
  /** The credential's fence; empty: the answer proves nothing. */
  readonly stamp: FenceStamp
  /** Holds the version pin in doubt. */
  readonly pin: PinUse
  /** Monotonic milliseconds; the request leaves no earlier. */
  readonly sentAt: number
}

async function useCredential(
  passage: Passage,
  { standings, pins, clock }: PassageDependencies,
): Promise<CredentialUse | null> {
  const { credential, head } = passage
  if (credential === null || head.tenant === null) return null
  const { tenant } = head
  const stamp = vouches(passage) ? await standings.open(tenant, credential) : []
  const pin = pins.begin(credential.partition, head.version)
  return { tenant, credential, stamp, pin, sentAt: clock.monotonic() }
}

/** What is remembered of the credential depends on whether the API has accepted it by now. */
function endUse(
  { tenant, credential, stamp, pin }: CredentialUse,
  version: string | null,
  { standings, pins }: PassageDependencies,
): void {
  pins.end(pin, version, standings.isAccepted(tenant, credential))
  standings.release(tenant, credential, stamp)
}

function answered(passage: Passage, status: number, use: CredentialUse): Answered {
  const { read, head } = passage
  const { version } = head
  const resource = read === null ? null : { route: read.route.name, params: read.params, version }
  const { tenant, credential, sentAt, stamp } = use
  return { tenant, credential, status, sentAt, stamp, vouches: vouches(passage), resource }
}

/** Whether its success would say that the credential is good for this tenant's resources. */
function vouches({ write, read }: Passage): boolean {
  return write !== null || read !== null
}

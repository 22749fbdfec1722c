/** What stands between the process and its upstream: breaker, places of tenants and shares of all, put together. */
import type { FailedCall } from '../cache/ports.ts'
import type { Clock } from '../lib/clock.ts'
import { UpstreamBreaker } from './breaker.ts'
import type { UpstreamClient } from './client.ts'
import { GuardedReads } from './guarded-reads.ts'
import type { Entry } from './lanes.ts'
import type { Places } from './places.ts'
import { divide, type ShareLimits } from './shares.ts'

export interface UpstreamGuards {
  readonly readUpstream: GuardedReads
  /** For what passes through. */
  readonly places: Places
  /** How many requests wait for a place. */
  readonly waiting: () => number
}

export interface GuardsObserver {
  /** Open: reads are not sent, since none was answered of late. */
  breakerChanged(isOpen: boolean): void
  /** Cut: requests that would wait long for the upstream are refused. */
  queueChanged(isCut: boolean): void
  /** A request has waited so long for its place, whether it has got one or not; not of what was refused at once. */
  upstreamWaited(milliseconds: number): void
  upstreamFailed(call: FailedCall): void
}

/** No place came in time: of a call that was never made. */
const TOO_LATE: FailedCall = {
  cause: 'queue-timeout',
  code: null,
  type: 'NoPlace',
  reason: null,
  requestId: null,
}

export function guard(
  client: UpstreamClient,
  limits: ShareLimits,
  clock: Clock,
  observer: GuardsObserver,
): UpstreamGuards {
  const breaker = new UpstreamBreaker(clock, (isOpen) => observer.breakerChanged(isOpen))
  const onEntry = (entry: Entry, waitedMs: number): void => {
    if (entry !== 'full') observer.upstreamWaited(waitedMs)
    if (entry === 'late') observer.upstreamFailed(TOO_LATE)
  }
  const shares = divide(limits, clock, (isCut) => observer.queueChanged(isCut), onEntry)
  const { gate, reading, passing, waiting } = shares
  const readUpstream = new GuardedReads({ client, breaker, gate, clock, places: reading })
  return { readUpstream, places: passing, waiting }
}

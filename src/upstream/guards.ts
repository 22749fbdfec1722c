/** What stands between the process and its upstream: breaker, places of tenants and shares of all, put together. */
import type { Clock } from '../lib/clock.ts'
import { UpstreamBreaker } from './breaker.ts'
import type { UpstreamClient } from './client.ts'
import { GuardedReads } from './guarded-reads.ts'
import type { Places } from './places.ts'
import { divide, type ShareLimits } from './shares.ts'

export interface UpstreamGuards {
  readonly readUpstream: GuardedReads
  /** For what passes through. */
  readonly places: Places
}

export interface GuardsObserver {
  /** Open: reads are not sent, since none was answered of late. */
  breakerChanged(isOpen: boolean): void
  /** Cut: requests that would wait long for the upstream are refused. */
  queueChanged(isCut: boolean): void
}

export function guard(
  client: UpstreamClient,
  limits: ShareLimits,
  clock: Clock,
  observer: GuardsObserver,
): UpstreamGuards {
  const breaker = new UpstreamBreaker(clock, (isOpen) => observer.breakerChanged(isOpen))
  const shares = divide(limits, clock, (isCut) => observer.queueChanged(isCut))
  const { gate, reading, passing } = shares
  const readUpstream = new GuardedReads({ client, breaker, gate, clock, places: reading })
  return { readUpstream, places: passing }
}

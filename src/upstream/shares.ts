/**
 * How the connections to the upstream are divided: what passes through never holds them all, and neither does one
 * tenant.
 */
import type { Clock } from '../lib/clock.ts'
import { Lanes } from './lanes.ts'
import { type OnEntry, Places } from './places.ts'
import { TenantGate } from './tenant-gate.ts'

/** Requests under way at once; 0: a part of `connections`. */
export interface ShareLimits {
  readonly connections: number
  /** Cached reads of one tenant; never more than a half. */
  readonly tenantReads: number
  /** What passes through, of all tenants. 0: a half. */
  readonly passThrough: number
  /** What passes through of one tenant, or without one. 0: a half of `passThrough`. */
  readonly tenantPassThrough: number
}

export interface Shares {
  /** Of cached reads; holds tenants that were asked to wait. */
  readonly gate: TenantGate
  /** For cached reads. */
  readonly reading: Places
  /** For what passes through. */
  readonly passing: Places
  /** How many requests wait for a place. */
  readonly waiting: () => number
}

/**
 * @param onQueueChange the queue of all is cut, or no longer
 * @param onEntry called once for each request that asks for a place
 */
export function divide(
  limits: ShareLimits,
  clock: Clock,
  onQueueChange: (isCut: boolean) => void,
  onEntry?: OnEntry,
): Shares {
  const { connections } = limits
  const passThrough = limits.passThrough || halfOf(connections)
  const gate = new TenantGate(clock, Math.min(limits.tenantReads, halfOf(connections)))
  const passingGate = new TenantGate(clock, limits.tenantPassThrough || halfOf(passThrough))
  const overall = new Lanes(clock, connections, onQueueChange)
  // guard: pass-through-share
  const ofPassThrough = new Lanes(clock, passThrough)
  const queues = [gate, passingGate, ofPassThrough, overall]
  return {
    gate,
    reading: new Places(clock, gate, [overall], onEntry),
    passing: new Places(clock, passingGate, [ofPassThrough, overall], onEntry),
    waiting: () => queues.reduce((sum, { waiting }) => sum + waiting, 0),
  }
}

function halfOf(number: number): number {
  return Math.max(1, Math.floor(number / 2))
}

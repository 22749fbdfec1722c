/**
 * Which tenants ask most, and why they miss: in bounded space, whatever tenants clients name.
 *
 * Space-saving (Metwally et al., 2005): a tenant that is not in a full table takes the place of the lightest
 * one and inherits its weight. So whoever makes more than one in `capacity` of all requests is in the table,
 * and nobody is pushed out of it by any number of tenants that come once. What is told of a tenant is what was
 * counted since it came in: never too much, and for those that matter next to all.
 */
import type { Detail, Forward, Outcome } from '../cache/outcome.ts'
import type { Report, Reporter } from '../cache/report.ts'

/** Why a read of a cached route was not a hit; the words of `Cache-Status` where it has one. */
export type MissReason = Forward | Detail | 'failed' | 'not-cached'

export interface TenantFigures {
  readonly tenant: string
  /** All that it asked, writes and what passes through included. */
  readonly requests: number
  readonly hits: number
  /** Turned away, since the tenant had too much under way. */
  readonly limited: number
  /** Answered with a status of 500 and above, those turned away included. */
  readonly failed: number
  /** How many reads of cached routes were no hits, by reason. */
  readonly misses: Readonly<Partial<Record<MissReason, number>>>
}

interface Entry {
  tenant: string
  /** Weight of those whose place it took. */
  inherited: number
  requests: number
  hits: number
  limited: number
  failed: number
  misses: Map<MissReason, number>
}

const CAPACITY = 256

export class TenantTraffic implements Pick<Reporter, 'finished'> {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  /** The lightest, as of the last search for them; most weigh more by the time they are looked at. */
  #lightest: Entry[] = []
  #lightestWeight = 0

  /** @param capacity how many tenants are told apart */
  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  /** For a hit: one look-up, two additions. */
  finished({ tenant, outcome, status }: Report): void {
    if (tenant === null) return
    const entry = this.#entries.get(tenant) ?? this.#enter(tenant)
    entry.requests++
    if (status >= 500) entry.failed++
    if (outcome.kind === 'hit') entry.hits++
    else noteMiss(entry, outcome)
  }

  /** Those that asked most since the process began, most first. */
  top(count: number): TenantFigures[] {
    return [...this.#entries.values()]
      .sort((a, b) => b.requests - a.requests)
      .slice(0, count)
      .map(({ tenant, requests, hits, limited, failed, misses }) => {
        return { tenant, requests, hits, limited, failed, misses: Object.fromEntries(misses) }
      })
  }

  #enter(tenant: string): Entry {
    const left = this.#entries.size < this.#capacity ? null : this.#takeLightest()
    const inherited = left === null ? 0 : weightOf(left)
    if (left !== null) this.#entries.delete(left.tenant)
    const entry = {
      tenant,
      inherited,
      requests: 0,
      hits: 0,
      limited: 0,
      failed: 0,
      misses: new Map(),
    }
    this.#entries.set(tenant, entry)
    return entry
  }

  /** Whoever takes a place weighs more than the lightest: one search serves as many as there are of those. */
  #takeLightest(): Entry {
    for (;;) {
      const entry = this.#lightest.pop()
      if (entry === undefined) this.#searchLightest()
      else if (weightOf(entry) === this.#lightestWeight) return entry
    }
  }

  #searchLightest(): void {
    let lightest = Infinity
    for (const entry of this.#entries.values()) lightest = Math.min(lightest, weightOf(entry))
    this.#lightestWeight = lightest
    this.#lightest = [...this.#entries.values()].filter((each) => weightOf(each) === lightest)
  }
}

function weightOf({ inherited, requests }: Entry): number {
  return inherited + requests
}

function noteMiss(entry: Entry, outcome: Outcome): void {
  const { misses } = entry
  if (outcome.kind === 'failed' && outcome.detail === 'limited') entry.limited++
  const reason = missReason(outcome)
  if (reason !== null) misses.set(reason, (misses.get(reason) ?? 0) + 1)
}

/** Null: it was none, since the cache had no say in it. */
function missReason({ kind, detail, forward }: Outcome): MissReason | null {
  // What passes through and what bypasses fail alike; only the latter says why it did.
  const isPassThrough = forward === 'method' || (forward === 'bypass' && detail === null)
  switch (kind) {
    case 'fill':
    case 'follower':
    case 'bypass':
      return detail ?? forward
    case 'failed':
      return isPassThrough ? null : (detail ?? 'failed')
    case 'not-cached':
      return 'not-cached'
    case 'hit':
    case 'pass-through':
    case 'refused':
      return null
    default:
      return kind satisfies never
  }
}

/**
 * What is wrong with an instance, and what follows from it, in words: from a snapshot and from the figures of the last
 * while. Pure; the vocabulary is closed. The dashboard's page runs this file as well.
 */
import { type Figures, hitShare } from './figures.ts'
import type { Finding } from './finding.ts'
import { ofInstance, ofRedis } from './instance-findings.ts'
import type { Snapshot } from './snapshot.ts'
import type { TenantFigures } from './tenant-traffic.ts'
import { inWords, MISS_WORDS, percent, REMEDY_WORDS, were, whole } from './words.ts'

/** Fewer than these say nothing. */
export const ENOUGH_READS = 10
/** The same of one tenant. */
const ENOUGH_OF_TENANT = 20
/** From this share on a tier serves well. */
export const HELPING_FROM = 0.5
/** Shares of requests from which on there is a finding. */
const FAILING_FROM = 0.01
const ERRORS_FROM = 0.05
const REJECTED_FROM = 0.3
const FULL_FROM = 0.98
const MAX_NAMED = 3

/** @returns worst first */
export function findingsOf(snapshot: Snapshot, figures: Figures, during: string): Finding[] {
  return [
    ...ofUpstream(snapshot, figures, during),
    ...ofInstance(snapshot, figures, during),
    ...ofRedis(snapshot, figures, during),
    ...ofTenants(figures, during),
    ...ofStore(snapshot, figures, during),
  ].sort(worstFirst)
}

function ofUpstream({ breakers }: Snapshot, figures: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  const section = 'layby-upstream-breaker-open'
  if (breakers['upstream'] === true) {
    const title = 'The API does not answer'
    const text =
      'The API does not answer: the breaker is open, reads are kept from it but for one trial a second, and a read of which a copy is held gets that.'
    findings.push({ code: 'breaker-open', state: 'bad', title, text, section })
  }
  // What a tenant's limit turns away is no failure of the API.
  const failed = (figures.byOutcome['failed'] ?? 0) - figures.limited
  if (isNotable(failed, figures.requests, FAILING_FROM)) {
    const title = `${percent(failed / figures.requests)} of requests were not answered by the API`
    const text = `${whole(failed)} ${were(failed)} not answered by the API ${during}: it was not reached, too slow, not understood, or not asked since it had failed.`
    findings.push({ code: 'upstream-failing', state: 'bad', title, text, section })
  }
  const errors = figures.upstreamErrors
  if (isNotable(errors, figures.requests, ERRORS_FROM)) {
    const title = 'The API answers with errors'
    const text = `${whole(errors)} ${were(errors)} answered by the API with an error of its own (5xx) ${during}.`
    findings.push({
      code: 'upstream-errors',
      state: 'bad',
      title,
      text,
      section: 'layby-server-errors',
    })
  }
  const stale = figures.stale['sie'] ?? 0
  if (stale > 0) {
    const title = 'Stale copies are served, since the API failed'
    const text = `${whole(stale)} ${were(stale)} given a stale copy ${during}, since the API had failed.`
    findings.push({ code: 'stale-on-error', state: 'watch', title, text, section })
  }
  return findings
}

function ofTenants({ tenants, limited }: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  if (limited > 0) {
    const turnedAway = tenants.filter((each) => each.limited > 0)
    const names = named(turnedAway.sort((a, b) => b.limited - a.limited))
    const title = `Requests of ${names === null ? 'a tenant' : small(names)} are turned away`
    const text = `${whole(limited)} ${were(limited)} turned away ${during}, since ${names === null ? 'their tenant' : small(names)} had too much under way or was asked by the API to wait; other tenants are not kept waiting by it.`
    const section = 'layby-shedding'
    findings.push({ code: 'tenant-limited', state: 'watch', title, text, section })
  }
  for (const { tenant, misses } of tenants.filter(hasNoHits).slice(0, MAX_NAMED)) {
    const reason = mostOf(misses)
    const remedy = reason === null ? undefined : REMEDY_WORDS[reason as keyof typeof REMEDY_WORDS]
    if (reason === null || remedy === undefined) continue
    const title = `Tenant ${tenant} has no hits`
    const text = `No read of tenant ${tenant} was a hit ${during}; mostly ${inWords(MISS_WORDS, reason)}. ${remedy}`
    const section = 'layby-hit-ratio-low'
    findings.push({ code: 'tenant-without-hits', state: 'watch', title, text, section })
  }
  return findings
}

function ofStore(snapshot: Snapshot, figures: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  const { stored = 0, rejected = 0 } = figures.fills
  if (rejected >= ENOUGH_READS && rejected / (stored + rejected) >= REJECTED_FROM) {
    // Refreshes are rejected too, and are no misses.
    const reason = mainReason(rejectsOnly(figures.misses))
    const mostly = reason === null ? '' : `; mostly ${reason}`
    const title = 'Much of what the API answers can’t be kept'
    const text = `${percent(rejected / (stored + rejected))} of what the API answered ${during} could not be kept${mostly}.`
    const section = 'layby-hit-ratio-low'
    findings.push({ code: 'often-rejected', state: 'watch', title, text, section })
  }
  const { bytes, maxBytes } = snapshot.memory
  if (bytes >= maxBytes * FULL_FROM && (hitShare(figures, 'memory') ?? 1) < HELPING_FROM) {
    const title = 'The memory tier is full'
    const text =
      'The memory tier is full and hits are few: copies make room for others before they are read again. A larger cache.memory.maxBytes would help.'
    findings.push({ code: 'memory-full', state: 'watch', title, text, section: 'sizing' })
  }
  const { trippedTenants } = snapshot.sharing
  if (trippedTenants > 0) {
    const title = 'Sharing has tripped'
    const text = `${whole(trippedTenants)} ${trippedTenants === 1 ? 'tenant has' : 'tenants have'} shown two views of one record: there, each credential asks for itself for an hour.`
    const section = 'layby-sharing-tripped'
    findings.push({ code: 'sharing-tripped', state: 'watch', title, text, section })
  }
  return findings
}

/** In words; null: none missed. */
export function mainReason(misses: Readonly<Partial<Record<string, number>>>): string | null {
  const most = mostOf(misses)
  return most === null ? null : inWords(MISS_WORDS, most)
}

/** Whether the main reason is one about which somebody can do something. */
export function hasRemedy(misses: Readonly<Partial<Record<string, number>>>): boolean {
  const most = mostOf(misses)
  return most !== null && most in REMEDY_WORDS
}

function mostOf(misses: Readonly<Partial<Record<string, number>>>): string | null {
  const [most] = Object.entries(misses)
    .filter(([, count]) => (count ?? 0) > 0)
    .sort(([, a = 0], [, b = 0]) => b - a)
  return most?.[0] ?? null
}

function hasNoHits({ hits, misses }: TenantFigures): boolean {
  const missed = Object.values(misses).reduce((sum, count) => sum + count, 0)
  return hits === 0 && missed >= ENOUGH_OF_TENANT
}

/** Null: it is not known which. */
function named(tenants: readonly TenantFigures[]): string | null {
  const names = tenants.slice(0, MAX_NAMED).map(({ tenant }) => tenant)
  const [only] = names
  if (only === undefined) return null
  const more = tenants.length - names.length
  if (names.length === 1) return `Tenant ${only}`
  return `Tenants ${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`
}

function rejectsOnly(misses: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(misses).filter(([reason]) => reason.startsWith('reject.')),
  )
}

/** One in a few requests is no sign; a share of many is. */
function isNotable(count: number, of: number, from: number): boolean {
  return count > 0 && count / of >= from
}

function worstFirst(a: Finding, b: Finding): number {
  return Number(b.state === 'bad') - Number(a.state === 'bad')
}

export function small(sentence: string): string {
  return `${sentence[0]?.toLowerCase()}${sentence.slice(1)}`
}

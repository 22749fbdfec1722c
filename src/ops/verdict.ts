/**
 * Is the cache helping, is anything wrong, and why: in words, from a snapshot and from the figures of the last
 * while. Pure; the vocabulary is closed. The dashboard's page runs this file as well.
 */
import { type Figures, hitShare } from './figures.ts'
import type { Snapshot } from './snapshot.ts'
import { inWords, MISS_WORDS } from './words.ts'

/** `idle`: there is too little to judge by. */
export type State = 'good' | 'watch' | 'bad' | 'idle'

export type Headline =
  /** At least half of the reads come from the cache. */
  | 'helping'
  | 'helping-little'
  /** Next to no read does. */
  | 'not-helping'
  /** The same, but the process is young. */
  | 'warming-up'
  | 'idle'

export type FindingCode =
  /** Reads are kept from the upstream, which does not answer. */
  | 'breaker-open'
  /** Requests ended without a valid answer of the upstream. */
  | 'upstream-failing'
  /** The upstream's own answers say that it failed. */
  | 'upstream-errors'
  | 'shedding'
  | 'not-ready'
  | 'redis-down'
  /** Redis answers, but other instances may not be heard. */
  | 'bus-silent'
  /** Copies past their freshness went out since the upstream failed. */
  | 'stale-on-error'
  | 'often-rejected'
  | 'memory-full'
  | 'sharing-tripped'
  | 'mismatches'

export interface Finding {
  readonly code: FindingCode
  readonly state: 'watch' | 'bad'
  /** What is, and what follows from it. */
  readonly text: string
}

export interface Verdict {
  /** The worst of the headline and the findings. */
  readonly state: State
  readonly headline: Headline
  /** Says too when something is wrong. */
  readonly title: string
  /** Why the headline is what it is. */
  readonly because: string
  /** Worst first. Empty: nothing is wrong. */
  readonly findings: readonly Finding[]
}

/** Fewer reads than these say nothing. */
const ENOUGH_READS = 10
const HELPING_FROM = 0.5
const LITTLE_FROM = 0.1
const WARM_AFTER_MS = 120_000
/** Shares of requests from which on something is told. */
const FAILING_FROM = 0.01
const ERRORS_FROM = 0.05
const REJECTED_FROM = 0.3
const FULL_FROM = 0.98

/** @param figures of the last while; what they are called: `during` */
export function verdictOf(snapshot: Snapshot, figures: Figures, during: string): Verdict {
  const findings = findingsOf(snapshot, figures, during).sort(worstFirst)
  const headline = headlineOf(snapshot, figures)
  const title = titleOf(headline, figures)
  return {
    state: findings[0]?.state ?? stateOf(headline),
    headline,
    title: findings[0]?.state === 'bad' ? `Something is wrong; ${small(title)}` : title,
    because: becauseOf(headline, figures, during),
    findings,
  }
}

function headlineOf({ at, startedAt }: Snapshot, figures: Figures): Headline {
  const share = hitShare(figures, 'any')
  if (share === null || figures.reads < ENOUGH_READS) return 'idle'
  if (share >= HELPING_FROM) return 'helping'
  if (startedAt !== null && at - startedAt < WARM_AFTER_MS) return 'warming-up'
  return share >= LITTLE_FROM ? 'helping-little' : 'not-helping'
}

function stateOf(headline: Headline): State {
  switch (headline) {
    case 'helping':
      return 'good'
    case 'helping-little':
    case 'not-helping':
      return 'watch'
    case 'warming-up':
    case 'idle':
      return 'idle'
    default:
      return headline satisfies never
  }
}

function titleOf(headline: Headline, figures: Figures): string {
  switch (headline) {
    case 'helping':
      return `The cache is helping: ${percent(hitShare(figures, 'any'))} of reads come from it`
    case 'helping-little':
      return `The cache helps a little: ${percent(hitShare(figures, 'any'))} of reads come from it`
    case 'not-helping':
      return 'The cache is not helping: nearly every read goes to the API'
    case 'warming-up':
      return 'The cache is warming up'
    case 'idle':
      return 'Too few reads to judge the cache by'
    default:
      return headline satisfies never
  }
}

function becauseOf(headline: Headline, figures: Figures, during: string): string {
  const { reads, hits, saved } = figures
  if (reads === 0) return `No reads ${during}.`
  const answered = `${during}, ${whole(hits.memory + hits.redis)} of ${whole(reads)} reads were hits`
  const counted = `${answered[0]?.toUpperCase()}${answered.slice(1)}`
  const spared = `${whole(saved)} calls to the API were saved`
  if (headline === 'helping') return `${counted}; ${spared}.`
  const reason = mainReason(figures.misses)
  return reason === null ? `${counted}.` : `${counted}. Most misses: ${reason}.`
}

/** In words; null: none missed. */
export function mainReason(misses: Readonly<Partial<Record<string, number>>>): string | null {
  const [most] = Object.entries(misses)
    .filter(([, count]) => (count ?? 0) > 0)
    .sort(([, a = 0], [, b = 0]) => b - a)
  return most === undefined ? null : inWords(MISS_WORDS, most[0])
}

function findingsOf(snapshot: Snapshot, figures: Figures, during: string): Finding[] {
  return [
    ...ofUpstream(snapshot, figures, during),
    ...ofInstance(snapshot, figures, during),
    ...ofRedis(snapshot, figures, during),
  ]
}

function ofUpstream({ breakers }: Snapshot, figures: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  if (breakers['upstream'] === true) {
    const text =
      'The API does not answer: the breaker is open, reads are kept from it but for one trial a second, and whoever holds a copy is served that.'
    findings.push({ code: 'breaker-open', state: 'bad', text })
  }
  const failed = figures.byOutcome['failed'] ?? 0
  if (isNotable(failed, figures.requests, FAILING_FROM)) {
    const text = `${whole(failed)} ${were(failed)} not answered by the API ${during}: it was not reached, too slow, or not understood.`
    findings.push({ code: 'upstream-failing', state: 'bad', text })
  }
  const errors = figures.upstreamErrors
  if (isNotable(errors, figures.requests, ERRORS_FROM)) {
    const text = `${whole(errors)} ${were(errors)} answered by the API with an error of its own (5xx) ${during}.`
    findings.push({ code: 'upstream-errors', state: 'bad', text })
  }
  const stale = figures.stale['sie'] ?? 0
  if (stale > 0) {
    const text = `${whole(stale)} ${were(stale)} given a stale copy ${during}, since the API had failed.`
    findings.push({ code: 'stale-on-error', state: 'watch', text })
  }
  return findings
}

function ofInstance(snapshot: Snapshot, figures: Figures, during: string): Finding[] {
  const findings: Finding[] = []
  if (!snapshot.isReady) {
    const text = 'This instance takes no new traffic: it is starting, or leaving.'
    findings.push({ code: 'not-ready', state: 'watch', text })
  }
  if (figures.shed > 0) {
    const text = `${whole(figures.shed)} ${were(figures.shed)} turned away ${during}, since this instance or a tenant had too much under way.`
    findings.push({ code: 'shedding', state: 'bad', text })
  }
  const { stored = 0, rejected = 0 } = figures.fills
  if (rejected >= ENOUGH_READS && rejected / (stored + rejected) >= REJECTED_FROM) {
    const reason = mainReason(rejectsOnly(figures.misses)) ?? 'see what was not stored'
    const text = `${percent(rejected / (stored + rejected))} of what the API answered ${during} could not be kept; mostly ${reason}.`
    findings.push({ code: 'often-rejected', state: 'watch', text })
  }
  const { bytes, maxBytes } = snapshot.memory
  if (bytes >= maxBytes * FULL_FROM && (hitShare(figures, 'memory') ?? 1) < HELPING_FROM) {
    const text =
      'The memory tier is full and hits are few: copies make room for others before they are read again. A larger cache.memory.maxBytes would help.'
    findings.push({ code: 'memory-full', state: 'watch', text })
  }
  if (snapshot.sharing.trippedTenants > 0) {
    const { trippedTenants } = snapshot.sharing
    const text = `${whole(trippedTenants)} ${trippedTenants === 1 ? 'tenant has' : 'tenants have'} shown two views of one record: there, each credential asks for itself for an hour.`
    findings.push({ code: 'sharing-tripped', state: 'watch', text })
  }
  return findings
}

function ofRedis({ redis }: Snapshot, figures: Figures, during: string): Finding[] {
  if (redis === null) return []
  const findings: Finding[] = []
  if (!redis.isUp) {
    const text =
      'Redis is down: each instance serves from its own memory and the API, and keeps new copies for a second at most.'
    findings.push({ code: 'redis-down', state: 'watch', text })
  } else if (!redis.isBusLive) {
    const text =
      'The bus is silent: writes through other instances may not be heard, so new copies are kept for a second at most.'
    findings.push({ code: 'bus-silent', state: 'watch', text })
  }
  if (figures.mismatches > 0) {
    const text = `${whole(figures.mismatches)} values in Redis did not open ${during}: another secret, or something else writes there. They count as misses.`
    findings.push({ code: 'mismatches', state: 'watch', text })
  }
  return findings
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

function small(sentence: string): string {
  return `${sentence[0]?.toLowerCase()}${sentence.slice(1)}`
}

function were(count: number): string {
  return count === 1 ? 'request was' : 'requests were'
}

function whole(count: number): string {
  return new Intl.NumberFormat('en').format(count)
}

function percent(share: number | null): string {
  return share === null ? '–' : `${Math.floor(share * 100)}\u00a0%`
}

/**
 * Is the cache helping, is anything wrong, and why: in words, from a snapshot and from the figures of the last
 * while. Pure; the vocabulary is closed. The dashboard's page runs this file as well.
 */
import { type Figures, hitShare } from './figures.ts'
import type { Finding } from './finding.ts'
import { ENOUGH_READS, findingsOf, HELPING_FROM, hasRemedy, mainReason, small } from './findings.ts'
import type { Snapshot } from './snapshot.ts'
import { percent, whole } from './words.ts'

/** `idle`: there is too little to judge by. */
export type State = 'good' | 'watch' | 'bad' | 'idle'

export type Headline =
  /** At least half of the reads come from the cache. */
  | 'helping'
  | 'helping-little'
  /** Next to no read does. */
  | 'not-helping'
  /** The same, but the process is young, and nothing is wrong. */
  | 'warming-up'
  | 'idle'

export interface Verdict {
  /** The worst of the headline and the findings. */
  readonly state: State
  readonly headline: Headline
  /** What is wrong leads it. */
  readonly title: string
  /** Why the headline is what it is. */
  readonly because: string
  /** Worst first. Empty: nothing is wrong. */
  readonly findings: readonly Finding[]
}

const LITTLE_FROM = 0.1
const WARM_AFTER_MS = 120_000

/** @param figures of the last while; what they are called: `during` */
export function verdictOf(snapshot: Snapshot, figures: Figures, during: string): Verdict {
  const findings = findingsOf(snapshot, figures, during)
  const [worst] = findings
  const headline = headlineOf(snapshot, figures, worst === undefined)
  const title = titleOf(headline, figures)
  return {
    state: worst?.state ?? stateOf(headline),
    headline,
    title: worst === undefined ? title : `${worst.title}; ${small(title)}`,
    because: becauseOf(headline, figures, during),
    findings,
  }
}

/** That the process is young explains nothing where something is wrong, or where reads miss for a reason that stays. */
function headlineOf({ at, startedAt }: Snapshot, figures: Figures, isSound: boolean): Headline {
  const share = hitShare(figures, 'any')
  if (share === null || figures.reads < ENOUGH_READS) return 'idle'
  if (share >= HELPING_FROM) return 'helping'
  const isYoung = startedAt !== null && at - startedAt < WARM_AFTER_MS
  if (isYoung && isSound && !hasRemedy(figures.misses)) return 'warming-up'
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
      return 'The cache is not helping: next to no read comes from it'
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
  const failed = figures.failedReads === 0 ? '' : `; ${whole(figures.failedReads)} got no answer`
  return reason === null
    ? `${counted}${failed}.`
    : `${counted}${failed}. The main reason of misses: ${reason}.`
}

/** How a read shows in its trace: what the look-ups said, and what became of the fill. */
import type { Span } from '../lib/tracer.ts'
import type { Tier } from './outcome.ts'
import type { ReadTimes } from './read-times.ts'
import { type Hit, isFailure, type Landing, type MissVerdict } from './served.ts'

/** Who waits for another's fill tells where that one is to be found. */
export function follow<T>(
  { span, times }: { readonly span: Span; readonly times: ReadTimes },
  flight: { readonly fill: Span['context']; readonly landed: Promise<T> },
): Promise<T> {
  span.link(flight.fill)
  return times.during('wait', flight.landed)
}

/** @param found null: the tier had nothing, or was not asked */
export function noteLookup(
  span: Span,
  tier: Tier,
  found: Hit | { readonly kind: 'miss'; readonly verdict: MissVerdict } | null,
): void {
  span.event('lookup', { 'layby.tier': tier, 'layby.verdict': verdictOf(found) })
}

function verdictOf(found: Parameters<typeof noteLookup>[2]): string {
  if (found === null) return 'nothing'
  if (found.kind !== 'miss') return (found.outcome.ttl ?? 0) < 0 ? 'stale-hit' : 'hit'
  return found.verdict.kind === 'ask' ? found.verdict.reason : found.verdict.why
}

/** The fill lasts until it has landed, however long its request does. */
export function endWith<T extends Landing | null>(fill: Span, landed: Promise<T>): void {
  void landed.then(
    (landing) => endFill(fill, landing),
    () => fill.end({}, 'fault'),
  )
}

/** Null: another instance has filled meanwhile. */
function endFill(fill: Span, landing: Landing | null): void {
  if (landing === null) {
    fill.end({ 'layby.fill.result': 'elsewhere' }, null)
  } else if (isFailure(landing.answer)) {
    fill.end({ 'layby.fill.result': 'failed' }, landing.answer.kind)
  } else {
    const { rejected } = landing.kept
    fill.end({ 'layby.fill.result': rejected === null ? 'stored' : `reject.${rejected}` }, null)
  }
}

/** `Server-Timing` (W3C Server Timing, section 2): where the time of a request has gone, to its client. */
import type { MeasuredTimes } from '../cache/read-times.ts'
import type { HeaderList } from '../cache/records.ts'
import { joinedHeader } from '../cache/representation.ts'

/** @param ms null: the part did not happen */
function metric(name: string, ms: number | null): string[] {
  return ms === null ? [] : [`${name};dur=${Math.round(ms * 100) / 100}`]
}

/**
 * @param cacheMs of the look into memory
 * @param times of the rest; null: memory had it
 */
export function readTiming(cacheMs: number, times: MeasuredTimes | null, totalMs: number): string {
  return [
    ...metric('cache;desc="memory"', cacheMs),
    ...metric('redis', times?.of('redis') ?? null),
    ...metric('wait', times?.of('wait') ?? null),
    ...metric('upstream', times?.of('upstream') ?? null),
    ...metric('total', totalMs),
  ].join(', ')
}

export function forwardTiming(upstreamMs: number, totalMs: number): string {
  return [...metric('upstream', upstreamMs), ...metric('total', totalMs)].join(', ')
}

/**
 * The field with what the API says of its own time before it.
 *
 * @param own null: nothing is added
 * @returns name and value, or nothing
 */
export function timingFields(received: HeaderList, own: string | null): string[] {
  const theirs = joinedHeader(received, 'server-timing')
  if (own === null) return theirs === null ? [] : ['Server-Timing', theirs]
  return ['Server-Timing', theirs === null ? own : `${theirs}, ${own}`]
}

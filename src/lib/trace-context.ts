/**
 * W3C Trace Context (Recommendation of 23 November 2021), read and written. Pure; section numbers are those
 * of the Recommendation.
 *
 * ```
 *   traceparent = version "-" trace-id "-" parent-id "-" flags      00-<32 hex>-<16 hex>-<2 hex>
 *   tracestate  = member *( OWS "," OWS member )                    key "=" value, at most 32
 * ```
 */
import { trimOws } from './ows.ts'

export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string
  /** Who asks: 16 lower-case hexadecimal digits, not all zero. `parent-id` on the wire. */
  readonly spanId: string
  /** Whether the spans of this trace are to be kept. */
  readonly isSampled: boolean
  /** `tracestate` as it is sent on; null: none. */
  readonly state: string | null
}

/** A later version may be longer than the 55 characters of version 00; what is longer than this is no trace. */
const MAX_PARENT_LENGTH = 256
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const SAMPLED = 0x01

/**
 * The context that a request brings; null: none that may be continued, and its `tracestate` is not looked at
 * (section 3.3). Of a later version than 00 the parts of version 00 are taken, whatever follows them (section 4).
 *
 * @param traceparent the field's value; several lines, joined by a comma, are no value
 * @param tracestate lines joined by commas, in their order
 */
export function readTraceContext(
  traceparent: string | null,
  tracestate: string | null,
): TraceContext | null {
  const isRead = traceparent !== null && traceparent.length <= MAX_PARENT_LENGTH
  const found = isRead ? TRACEPARENT.exec(traceparent) : null
  if (found === null) return null
  const [, version, traceId, spanId, flags, rest] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
    string | undefined,
  ]
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (traceId === NO_TRACE || spanId === NO_SPAN) return null
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0
  return { traceId, spanId, isSampled, state: readState(tracestate) }
}

/** Always of version 00; flags that it does not define are not sent on (section 3.2.2.5). */
export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

/** Section 3.3.1.1. */
const MAX_MEMBERS = 32
/** What has to be sent on at least, and is here at most (section 3.3.1.5). */
const MAX_STATE_LENGTH = 512
/** A longer field is not read, and none is sent on: sixteen times what would be. */
const MAX_READ_LENGTH = 8_192
/** Members longer than this go first. */
const LONG_MEMBER = 128

/** Section 3.3.1.3: a simple key, or `tenant@system`; then printable ASCII without comma and equals sign. */
const MEMBER =
  /^((?:[a-z][a-z0-9_*/-]{0,255})|(?:[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}))=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/**
 * One malformed member, or too many, and none is sent on. Of members with the same key the first counts. Takes time
 * in proportion to the length: a member is cut off once, and judged by a pattern that looks at no more than 513
 * characters of it.
 */
function readState(tracestate: string | null): string | null {
  // guard: bounded-tracestate
  if (tracestate === null || tracestate.length > MAX_READ_LENGTH) return null
  const members = new Map<string, string>()
  let count = 0
  for (const text of tracestate.split(',')) {
    const member = trimOws(text)
    if (member === '') continue
    const key = MEMBER.exec(member)?.[1]
    if (key === undefined || ++count > MAX_MEMBERS) return null
    if (!members.has(key)) members.set(key, member)
  }
  return shortened([...members.values()])
}

function shortened(members: readonly string[]): string | null {
  const whole = members.join(',')
  if (whole.length <= MAX_STATE_LENGTH) return whole === '' ? null : whole
  let kept = ''
  for (const member of members) {
    if (member.length > LONG_MEMBER) continue
    const more = kept === '' ? member : `${kept},${member}`
    if (more.length > MAX_STATE_LENGTH) break
    kept = more
  }
  return kept === '' ? null : kept
}

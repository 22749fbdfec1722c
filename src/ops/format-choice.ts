/** Which text of the metrics a client prefers (RFC 9110 section 12.5.1). Pure. */
import type { ExpositionFormat } from './exposition.ts'

/** A media range of an `Accept` header, in lower case. */
interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  /** 0 to 1. */
  readonly quality: number
}

interface Offer {
  readonly format: ExpositionFormat
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** The first one wins where both are as welcome. */
const OFFERS: readonly Offer[] = [
  { format: 'prometheus', type: 'text/plain', parameters: offered('0.0.4') },
  { format: 'openmetrics', type: 'application/openmetrics-text', parameters: offered('1.0.0') },
]

function offered(version: string): ReadonlyMap<string, string> {
  return new Map([
    ['version', version],
    ['charset', 'utf-8'],
  ])
}

/** How names are escaped that no older client could read: ours need no escaping, so any scheme will do. */
const OF_NO_MATTER = 'escaping'
const MAX_HEADER_LENGTH = 4_096

/**
 * @param accept undefined or empty: the client has not said; where nothing that we have is welcome, it gets
 *   the first one all the same, which the section allows
 */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  const ranges = accept === undefined ? [] : rangesOf(accept.slice(0, MAX_HEADER_LENGTH))
  let best: ExpositionFormat = 'prometheus'
  let bestQuality = 0
  for (const offer of OFFERS) {
    const quality = qualityOf(offer, ranges)
    if (quality <= bestQuality) continue
    best = offer.format
    bestQuality = quality
  }
  return best
}

/** Of the range that matches most precisely; 0: none does. */
function qualityOf(offer: Offer, ranges: readonly MediaRange[]): number {
  let quality = 0
  let precision = -1
  for (const range of ranges) {
    const found = precisionOf(range, offer)
    if (found <= precision) continue
    precision = found
    quality = range.quality
  }
  return quality
}

/** -1: it does not match. */
function precisionOf({ type, parameters }: MediaRange, offer: Offer): number {
  if (type === '*/*') return 0
  if (type === `${offer.type.split('/')[0]}/*`) return 1
  if (type !== offer.type) return -1
  for (const [name, value] of parameters) {
    if (name !== OF_NO_MATTER && offer.parameters.get(name) !== value) return -1
  }
  return 2 + parameters.size
}

function rangesOf(accept: string): MediaRange[] {
  return accept
    .toLowerCase()
    .split(',')
    .map((member) => rangeOf(member))
    .filter((range) => range !== null)
}

/** Null: no media range. What follows `q` is no parameter of the media type. */
function rangeOf(member: string): MediaRange | null {
  const [type = '', ...rest] = member.split(';').map((part) => part.trim())
  if (!/^[^\s/]+\/[^\s/]+$/.test(type)) return null
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim())
    if (name === 'q') return { type, parameters, quality: qualityValue(value) }
    parameters.set(name, value.replace(/^"(.*)"$/, '$1'))
  }
  return { type, parameters, quality: 1 }
}

/** RFC 9110 section 12.4.2; what is no such value makes the range unwelcome. */
function qualityValue(text: string): number {
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0
}

/** Values as people write them (`5m`, `64MiB`, `10%`), in the unit that a key wants. Pure. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const KIB = 1_024

/** What one of a unit is in milliseconds. */
const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  ...{ s: SECOND, sec: SECOND, second: SECOND, seconds: SECOND },
  ...{ m: MINUTE, min: MINUTE, minute: MINUTE, minutes: MINUTE },
  ...{ h: HOUR, hour: HOUR, hours: HOUR },
  ...{ d: DAY, day: DAY, days: DAY },
}
/** What one of a unit is in bytes. Without more, `k` and `m` are powers of 1,024, as Redis and nginx have them. */
const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  ...{ k: KIB, kib: KIB, kb: 1_000 },
  ...{ m: KIB ** 2, mib: KIB ** 2, mb: 1_000_000 },
  ...{ g: KIB ** 3, gib: KIB ** 3, gb: 1_000_000_000 },
}

interface Unit {
  /** Of the key's name. */
  readonly ending: RegExp
  /** How it is called. */
  readonly words: string
  /** Whether only whole numbers will do. */
  readonly isWhole: boolean
  readonly factors: Readonly<Record<string, number>>
  /** What one of the key's own unit is, in that of `factors`. */
  readonly own: number
}

const UNITS: readonly Unit[] = [
  { ending: /Ms$/, words: 'milliseconds', isWhole: true, factors: DURATIONS, own: 1 },
  { ending: /PerSecond$/, words: 'bytes a second', isWhole: true, factors: SIZES, own: 1 },
  { ending: /Seconds$/, words: 'seconds', isWhole: true, factors: DURATIONS, own: SECOND },
  { ending: /Bytes$/, words: 'bytes', isWhole: true, factors: SIZES, own: 1 },
  {
    ending: /(?:Jitter|Ratio)$/,
    words: 'a fraction',
    isWhole: false,
    factors: { '%': 1 },
    own: 100,
  },
]

const AMOUNT = /^([0-9]{1,12}(?:\.[0-9]{1,6})?) {0,3}([A-Za-z]{1,8}|%)(?:\/s)?$/
/** Digits in groups, as some languages write them. */
const GROUPED = /^[0-9]{1,3}(?:[_',][0-9]{3}){1,4}$/

/** How the unit of a key is called; null: its values have none. */
export function unitOf(path: string): string | null {
  return unit(path)?.words ?? null
}

/** @returns the number that the text most likely means, in the unit of the key; null: it is not known */
export function meantBy(path: string, text: string): number | null {
  if (GROUPED.test(text)) return Number(text.replace(/[_',]/g, ''))
  const of = unit(path)
  const [, amount, name = ''] = AMOUNT.exec(text) ?? []
  const factor = of?.factors[name.toLowerCase()]
  if (of === undefined || amount === undefined || factor === undefined) return null
  const meant = (Number(amount) * factor) / of.own
  return of.isWhole ? Math.round(meant) : meant
}

function unit(path: string): Unit | undefined {
  return UNITS.find(({ ending }) => ending.test(path))
}

/** Numbers as a person reads them, in few and steady columns. */

const THOUSANDS: readonly [number, string][] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const NONE = '–'

/** `912`, `1.5k`, `23.0M`: at most five characters. */
export function shortCount(count: number): string {
  if (!Number.isFinite(count)) return NONE
  for (const [unit, letter] of THOUSANDS) {
    // 999.96 would round to 1000.0.
    if (count >= unit * 0.99995)
      return `${(count / unit).toFixed(count >= unit * 99.95 ? 0 : 1)}${letter}`
  }
  return count >= 100 || Number.isInteger(count) ? count.toFixed(0) : count.toFixed(1)
}

/** `93.4%`; a dash where there is no ratio. */
export function percent(ratio: number | null): string {
  return ratio === null || !Number.isFinite(ratio) ? NONE : `${(ratio * 100).toFixed(1)}%`
}

/** `24.1 MiB`. */
export function byteSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return NONE
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 ? size.toFixed(0) : size.toFixed(1)} ${UNITS[unit]}`
}

/** Seconds as `80 µs`, `1.4 ms`, `250 ms`, `2.5 s`; a dash where none was measured. */
export function latency(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return NONE
  if (seconds < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`
  if (seconds < 0.01) return `${(seconds * 1e3).toFixed(1)} ms`
  return seconds < 1 ? `${(seconds * 1e3).toFixed(0)} ms` : `${seconds.toFixed(1)} s`
}

/** Seconds as `41 s`, `12 min`, `3 h`, `2 d`; with a minus where they are past. */
export function duration(seconds: number): string {
  const sign = seconds < 0 ? '-' : ''
  const length = Math.abs(seconds)
  if (length < 120)
    return `${sign}${length.toFixed(length < 10 && !Number.isInteger(length) ? 1 : 0)} s`
  if (length < 7_200) return `${sign}${Math.floor(length / 60)} min`
  return length < 172_800
    ? `${sign}${Math.floor(length / 3_600)} h`
    : `${sign}${Math.floor(length / 86_400)} d`
}

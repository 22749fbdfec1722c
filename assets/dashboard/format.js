/** Numbers for people; one way for each kind. */

const WHOLE = new Intl.NumberFormat('en')

/** @param {number} count */
export const whole = (count) => WHOLE.format(count)

/** @param {number | null} share from 0 to 1; rounded down, so that 100 % is all */
export function percent(share) {
  if (share === null) return '–'
  return share > 0.99 && share < 1
    ? `${Math.floor(share * 1000) / 10} %`
    : `${Math.floor(share * 100)} %`
}

/** @param {number | null} rate a second */
export function rate(rate) {
  if (rate === null) return '–'
  return rate === 0 || rate >= 100 ? whole(Math.round(rate)) : rate.toFixed(rate >= 10 ? 0 : 1)
}

/** @param {number | null} seconds */
export function duration(seconds) {
  if (seconds === null) return '–'
  if (seconds < 1e-3) return `${trim(seconds * 1e6)} µs`
  if (seconds < 1) return `${trim(seconds * 1e3)} ms`
  return seconds < 120 ? `${trim(seconds)} s` : span(seconds)
}

/** Of minutes, hours or days. @param {number} seconds */
export function span(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} days`
}

/** @param {number | null} count */
export function bytes(count) {
  if (count === null) return '–'
  if (count < 1024) return `${count} B`
  return count < 1024 ** 2 ? `${trim(count / 1024)} KiB` : `${trim(count / 1024 ** 2)} MiB`
}

/** @param {number} wallMs */
export const timeOfDay = (wallMs) => new Date(wallMs).toLocaleTimeString('en-GB')

/** Two or three digits that count. @param {number} value */
const trim = (value) =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))

/** `Retry-After` of our own answers. */

/**
 * Whole seconds, jittered by 20 % either way, so that those who wait don't come back together.
 *
 * @param milliseconds null: it is not known when to try again
 * @param random uniform in [0, 1)
 */
export function secondsToWait(milliseconds: number | null, random: () => number): number | null {
  if (milliseconds === null) return null
  const jitter = 0.8 + 0.4 * random()
  return Math.max(1, Math.ceil((milliseconds / 1000) * jitter))
}

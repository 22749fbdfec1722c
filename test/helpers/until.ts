import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 60_000

/** Asks until it is so. @throws Error when it is not within a generous while */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what = 'what was waited for',
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`)
    await pause(100)
  }
}

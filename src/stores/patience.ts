/**
 * Waits for an answer of Redis for so long and no longer, and can tell Redis's pauses from those of this process.
 *
 * When a thousand requests arrive at once the event loop does nothing else for a second or two. Its timers are then
 * due before the answers are read that have long been there, and a command that left a moment ago looks as old as
 * the turn of the loop in which it left. So time is counted in slices, and none for more than it was meant to last:
 * between any two of them the sockets are read, and what the kernel had no room for is sent.
 */
import type { Clock } from '../lib/clock.ts'

const SLICE_MS = 5
/** What a slice counts for at most: timers are a little late on any machine. */
const MAX_SLICE_MS = 8

/** No answer came in time. */
export class TooLate extends Error {
  /** This process has lost so much time meanwhile that it proves nothing about Redis. */
  readonly isOurs: boolean

  constructor(isOurs: boolean) {
    super('timed out')
    this.isOurs = isOurs
  }
}

/** @throws TooLate, or what `answer` is rejected with */
export async function within<T>(answer: Promise<T>, budgetMs: number, clock: Clock): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const from = clock.monotonic()
    let [at, waited] = [from, 0]
    const look = (): void => {
      const now = clock.monotonic()
      waited += Math.min(now - at, MAX_SLICE_MS)
      at = now
      if (waited < budgetMs) wait()
      // The sockets are read between a timer and the second immediate after it.
      else setImmediate(() => setImmediate(() => reject(new TooLate(now - from > 2 * budgetMs))))
    }
    const wait = (): void => {
      timer = setTimeout(look, Math.min(SLICE_MS, budgetMs - waited))
    }
    wait()
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

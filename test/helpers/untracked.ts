import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'

type Followed = Pick<Test, 'hook' | 'hookDomain' | 'subtests'> & { readonly parent?: unknown }

/**
 * For tests of millions of promises: tap follows each promise through async hooks, to tell whose an error is
 * that nothing caught, and that takes up to five sixths of the time. From here on such an error ends the
 * process instead, and the file has failed all the same. What the test itself throws is told as ever.
 */
export async function untracked(t: Test): Promise<void> {
  // By then the tests of the file have been made: as long as one is followed, all promises pay for it.
  await setImmediate()
  for (let each: Followed | undefined = t; each !== undefined; each = each.parent as Followed) {
    each.hookDomain.destroy()
    // The root has one more, for what happens outside of all tests.
    each.hook.onDestroy?.()
    for (const waiting of each.subtests) waiting.hookDomain.destroy()
  }
}

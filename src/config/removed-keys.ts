/** Keys that there were, so that a configuration which still has one is told what to do, and not only that there is no such key. */

export interface RemovedKey {
  /** As files name it. */
  readonly path: string
  readonly variable: string
  /** What became of it. */
  readonly reason: string
}

export const REMOVED_KEYS: readonly RemovedKey[] = [
  {
    path: 'upstream.probePath',
    variable: 'LAYBY_UPSTREAM_PROBE_PATH',
    reason: 'is no longer a key, and never had an effect',
  },
]

/**
 * Arguments for `env` to run Node as an operator would: under tap a child loads each module through tap's own
 * loader, which more than doubles the time of its start. For tests that don't count towards coverage.
 */
export function bareNode(args: readonly string[]): string[] {
  return ['-u', 'NODE_OPTIONS', process.execPath, ...args]
}

/** Fences that pass everything on to others, but for what is replaced. */
import type { FenceStore } from '../../src/cache/fence.ts'

export function fencesLike(
  sound: () => FenceStore,
  replaced: (bound: FenceStore) => Partial<FenceStore> = () => ({}),
): FenceStore {
  const bound: FenceStore = {
    holds: (stamp) => sound().holds(stamp),
    peek: (names) => sound().peek(names),
    isInTouch: () => sound().isInTouch(),
    sight: (name) => sound().sight(name),
    open: (names, kin, isProvisional) => sound().open(names, kin, isProvisional),
    extend: (open, names) => sound().extend(open, names),
    keep: (stamp) => sound().keep(stamp),
    abandon: (stamp) => sound().abandon(stamp),
    begin: (names, lifetimeMs) => sound().begin(names, lifetimeMs),
    settle: (write, also, holdMs) => sound().settle(write, also, holdMs),
    restore: (write) => sound().restore(write),
    change: (names) => sound().change(names),
    mark: (names) => sound().mark(names),
  }
  return { ...bound, ...replaced(bound) }
}

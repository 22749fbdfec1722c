/** What every fence store must do, done by processes that tell one another: written through one, read in another. */
import t from 'tap'
import type { FenceStore } from '../../src/cache/fence.ts'
import type { FakeClock } from '../helpers/clock.ts'
import { fencesLike } from '../helpers/fences.ts'
import { linkProcesses } from '../helpers/linked-processes.ts'
import { fencesContract } from './fences.ts'

/** Writes go through one process, reads through another; all that they say arrives at once. */
function acrossProcesses(clock: FakeClock, writer: number, reader: number): FenceStore {
  const { processes, tick, settle } = linkProcesses(clock, 3)
  const through = (i: number): FenceStore => {
    tick()
    return processes[i]!.fences
  }
  const arrived = async <T>(work: Promise<T>): Promise<T> => {
    const poll = setInterval(settle, 0)
    return work.finally(() => clearInterval(poll))
  }
  return fencesLike(
    () => through(reader),
    () => ({
      begin: (names, lifetimeMs) => arrived(through(writer).begin(names, lifetimeMs)),
      settle: (write, also, holdMs) => arrived(through(writer).settle(write, also, holdMs)),
      restore: (write) => arrived(through(writer).restore(write)),
      change: (names) => arrived(through(writer).change(names)),
      mark: (names) => arrived(through(writer).mark(names)),
    }),
  )
}

t.test('fences of two processes', (t) => fencesContract(t, (clock) => acrossProcesses(clock, 0, 1)))

t.test('fences of one among several processes', (t) =>
  fencesContract(t, (clock) => acrossProcesses(clock, 0, 0)),
)

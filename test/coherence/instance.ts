/**
 * One instance in a process of its own: what `src/main.ts` runs, with a fault of its own if asked for. Prints
 * its base URL on a line. The faults are put into classes from outside: the product has no place for them.
 */
import { buildApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/load.ts'
import { FenceTable } from '../../src/stores/fence-table.ts'
import { SharedFences } from '../../src/stores/shared-fences.ts'

export type Mutant =
  | 'fences are not compared'
  | 'the others are told before the write'
  | 'all messages of some fences are lost'
  | 'a read joins a flight from before a write'
  | 'what was invalidated is served for a while'
  | 'a write without an outcome is taken for a rejected one'

/** Long enough to be seen, far below any lifetime. */
const GRACE_MS = 3_000

const MUTANTS: Readonly<Record<Mutant, () => void>> = {
  'fences are not compared': () => {
    FenceTable.prototype.holds = () => true
  },
  'the others are told before the write': () => {
    SharedFences.prototype.begin = async function begin(this: SharedFences, names) {
      await this.change(names)
      return { id: 'mutant', names }
    }
    SharedFences.prototype.settle = async () => {}
  },
  'all messages of some fences are lost': () => {
    const { received } = SharedFences.prototype
    // All that is said of some fences: a single message that is lost is made up for by the next.
    SharedFences.prototype.received = function lossy(this: SharedFences, message) {
      const kept = message.forget?.filter((name) => sumOf(name) % 25 !== 0)
      received.call(this, kept === undefined ? message : { ...message, forget: kept })
    }
  },
  'a read joins a flight from before a write': () => {
    SharedFences.prototype.peek = () => 'always the same'
  },
  'a write without an outcome is taken for a rejected one': () => {
    const { settle, restore } = SharedFences.prototype
    SharedFences.prototype.settle = function hopeful(this: SharedFences, write, also, holdMs) {
      return holdMs > 0 ? restore.call(this, write) : settle.call(this, write, also, holdMs)
    }
  },
  'what was invalidated is served for a while': () => {
    const { holds } = FenceTable.prototype
    const heldAt = new Map<string, number>()
    FenceTable.prototype.holds = function gracious(this: FenceTable, stamp) {
      const text = JSON.stringify(stamp)
      const now = performance.now()
      if (holds.call(this, stamp)) heldAt.set(text, now)
      return now - (heldAt.get(text) ?? Number.NEGATIVE_INFINITY) < GRACE_MS
    }
  },
}

function sumOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + character.charCodeAt(0)) % 1_000_003
  return sum
}

const { config, mutant } = JSON.parse(process.argv[2] ?? '{}') as {
  config: Record<string, unknown>
  mutant: Mutant | null
}
if (mutant !== null) MUTANTS[mutant]()
const app = await buildApp(parseConfig(config))
const listening = await app.listen()
process.stdout.write(`${JSON.stringify(listening)}\n`)

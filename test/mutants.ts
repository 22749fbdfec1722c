/**
 * Takes each guard of `docs/security.md` out of force, one at a time, and demands that each test that is said to
 * hold it fails. Before, each of these tests must pass with all guards in force.
 *
 * `node .build/test/mutants.js` runs all, `node .build/test/mutants.js NAME…` those of the given guards.
 * `MUTANT_LANES` sets how many run at once (2).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GUARDS, type Guard, type TestRun } from './mutants/guards.ts'
import { mutate } from './mutants/markers.ts'
import { type Ended, Scratch } from './mutants/runs.ts'
import { guardPlaces, type Place } from './mutants/sources.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LANES = Number(process.env['MUTANT_LANES'] ?? 2)
/** Lines of a test that passed where it should not have, or the other way round. */
const TOLD_LINES = 40

const nameOf = ({ file, title, env }: TestRun): string => {
  const set = Object.entries(env ?? {}).map(([key, value]) => `${key}=${value} `)
  return `${set.join('')}${file}${title === undefined ? '' : ` (${title})`}`
}

let faults = 0

function tell(isSound: boolean, text: string, ended: Ended): void {
  console.log(
    `${isSound ? 'ok' : 'not ok'} - ${text}: ${ended.kind}, ${ended.seconds.toFixed(1)} s`,
  )
  if (isSound) return
  faults++
  console.log(ended.output.split('\n').slice(-TOLD_LINES).join('\n'))
}

async function control(scratch: Scratch, test: TestRun): Promise<void> {
  const ended = await scratch.run(test)
  tell(ended.kind === 'passed', `with all guards ${nameOf(test)}`, ended)
}

async function tryMutant(scratch: Scratch, guard: Guard, { file }: Place): Promise<void> {
  try {
    scratch.change(file, mutate(readFileSync(join(ROOT, file), 'utf8'), guard))
    for (const test of guard.tests) {
      const ended = await scratch.run(test)
      const isCaught = ended.kind === 'failed' || ended.kind === 'timeout'
      // What can't be parsed shows nothing.
      const isSound = isCaught && !ended.output.includes('SyntaxError')
      tell(isSound, `without ${guard.name} ${nameOf(test)}`, ended)
    }
  } catch (error) {
    faults++
    console.log(`not ok - without ${guard.name}: ${(error as Error).message}`)
  } finally {
    scratch.restore(file)
  }
}

/** Does the work in so many lanes, each with a copy of its own. */
async function inLanes(works: ((scratch: Scratch) => Promise<void>)[]): Promise<void> {
  const left = [...works]
  const lane = async (): Promise<void> => {
    const scratch = new Scratch(ROOT)
    try {
      for (let work = left.shift(); work !== undefined; work = left.shift()) await work(scratch)
    } finally {
      scratch.remove()
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, works.length) }, lane))
}

const startedAt = performance.now()
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !GUARDS.some((guard) => guard.name === name))
if (unknown.length > 0) throw new Error(`no such guard: ${unknown.join(', ')}`)
const guards = GUARDS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const places = guardPlaces(ROOT)
const tests = new Map(guards.flatMap((each) => each.tests).map((test) => [nameOf(test), test]))
await inLanes([
  ...[...tests.values()].map((test) => (scratch: Scratch) => control(scratch, test)),
  ...guards.map((guard) => (scratch: Scratch) => {
    const place = places.get(guard.name)
    if (place === undefined) throw new Error(`guard ${guard.name}: no marker`)
    return tryMutant(scratch, guard, place)
  }),
])
const seconds = Math.round((performance.now() - startedAt) / 1_000)
console.log(`# ${JSON.stringify({ guards: guards.length, controls: tests.size, faults, seconds })}`)
process.exitCode = faults === 0 ? 0 : 1

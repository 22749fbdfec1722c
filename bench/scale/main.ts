/** npm run bench:scale: see bench/README.md. */
import { startStandInUpstream } from '../contestants.ts'
import { chooseCores, describeMachine } from '../machine.ts'
import { killOnExit, makeFolder, printMachine, requireTools, writeResult } from '../stage.ts'
import { playEntries } from './entries.ts'
import { playHits } from './hits.ts'
import { playIdle } from './idle.ts'
import { type Part, readOptions, type ScaleOptions, usage } from './options.ts'
import type { Finding, Grounds } from './part.ts'

const PLAY: Readonly<Record<Part, (grounds: Grounds, options: ScaleOptions) => Promise<Finding>>> =
  { hits: playHits, idle: playIdle, entries: playEntries }

async function play(options: ScaleOptions): Promise<void> {
  requireTools()
  const machine = describeMachine(new Date())
  printMachine(machine)
  const cores = chooseCores()
  killOnExit()
  const folder = makeFolder()
  const upstream = await startStandInUpstream(cores.load)
  for (const part of options.parts) {
    console.log(`\n${part}`)
    const found = await PLAY[part]({ cores, folder, upstreamPort: upstream.port }, options)
    const name = `scale-${part}.${options.isReduced ? 'partial.json.tmp' : 'json'}`
    console.log(`written: ${writeResult(name, { machine, options, ...found })}`)
    if (!found.isGood) process.exitCode = 1
  }
  await upstream.process.stop()
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else await play(options)
} catch (error) {
  console.error(error instanceof Error ? `bench:scale: ${error.message}` : error)
  process.exit(1)
}

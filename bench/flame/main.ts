/**
 * npm run bench:flame: where Layby's processor time goes, by scenario, as folded stacks. See bench/README.md.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { contestants, startStandInUpstream } from '../contestants.ts'
import { startLayby } from '../layby.ts'
import { runLoad } from '../load.ts'
import { chooseCores, describeMachine } from '../machine.ts'
import { repositoryRoot } from '../paths.ts'
import { progress } from '../progress.ts'
import { type Scenario, scenarios } from '../scenarios.ts'
import { killOnExit, makeFolder, printMachine, requireTools, writeResult } from '../stage.ts'
import { prove } from '../verify.ts'
import { between, type CpuProfile, foldedText, foldProfile, prune, topSelfTimes } from './fold.ts'
import { inSources } from './sources.ts'

const usage = `usage: npm run bench:flame -- [options]
  --only a,b    scenarios (all that Layby plays, and that are not paced)
  --seconds N   of load under the profiler (8)
  --help        this text`

/** Rarer stacks count for their callers. */
const LEAST_SHARE = 0.001
const TOP = 10
const WARM_UP_SECONDS = 3

const laybys = contestants.filter(({ id }) => id.startsWith('layby'))
const playable = scenarios.filter(
  ({ isPaced, contestants: ids }) =>
    isPaced !== true && laybys.some((contestant) => ids.includes(contestant.id)),
)

type Course = {
  readonly folder: string
  readonly cores: ReturnType<typeof chooseCores>
  readonly upstreamPort: number
  readonly seconds: number
}

/** The profile covers the process from start to end; what is returned is of the load, once all is compiled. */
async function profileOf(scenario: Scenario, course: Course): Promise<CpuProfile> {
  const { cores, upstreamPort, seconds } = course
  const contestant = laybys.find(({ id }) => scenario.contestants.includes(id))!
  const { tls } = contestant
  const folder = mkdtempSync(join(course.folder, 'profile-'))
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${folder}`]
  const env = { LAYBY_SERVER_DRAIN_DELAY_MS: '0' }
  // The profile begins some ten ms later, with the program.
  const startedAt = performance.now()
  const { port, process } = await startLayby({
    core: cores.server,
    upstreamPort,
    tls,
    nodeArgs,
    env,
  })
  const { question } = await prove({ contestant, scenario, port, upstreamPort })
  const order = { port, question, core: cores.load, folder, tls, rate: null }
  const from = performance.now() - startedAt + WARM_UP_SECONDS * 1000
  const load = { ...order, seconds: WARM_UP_SECONDS + seconds }
  const { requests, statusErrors } = await runLoad(load)
  if (requests === 0 || statusErrors > 0) throw new Error(`${statusErrors} of ${requests} failed`)
  await delay(200)
  // Ended in peace: the profile is written on the way out.
  await process.stop()
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('no profile was written')
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
  return between(profile, from, from + seconds * 1000)
}

async function play(scenario: Scenario, course: Course): Promise<void> {
  progress(`${scenario.id}, under the profiler`)
  const stacks = foldProfile(inSources(await profileOf(scenario, course)), repositoryRoot)
  const samples = [...stacks.values()].reduce((sum, count) => sum + count, 0)
  console.log(`\n${scenario.id}: ${scenario.title}; ${samples} samples`)
  for (const { frame, share } of topSelfTimes(stacks, TOP)) {
    console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${frame}`)
  }
  const text = foldedText(prune(stacks, LEAST_SHARE))
  console.log(`written: ${writeResult(`flame/${scenario.id}.folded`, text)}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const names = values.only?.split(',') ?? playable.map(({ id }) => id)
  const chosen = playable.filter(({ id }) => names.includes(id))
  const seconds = Number(values.seconds)
  if (chosen.length !== names.length || !(seconds >= 1)) throw new Error(usage)
  requireTools()
  printMachine(describeMachine(new Date()))
  const cores = chooseCores()
  killOnExit()
  const folder = makeFolder()
  const upstream = await startStandInUpstream(cores.load)
  for (const scenario of chosen) {
    await play(scenario, { folder, cores, upstreamPort: upstream.port, seconds })
  }
  await upstream.process.stop()
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? `bench:flame: ${error.message}` : error)
  process.exit(1)
}

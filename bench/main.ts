/** npm run bench: see bench/README.md. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Contestant, contestants, startStandInUpstream, type Target } from './contestants.ts'
import { chooseCores, describeMachine, type Machine } from './machine.ts'
import { type Course, type Sample, takeSample } from './measure.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { progress } from './progress.ts'
import { isSaturated, type Row, summariseAll, tableOf } from './report.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { killOnExit, makeFolder, printMachine, requireTools, writeResult } from './stage.ts'

/** Names of `--only` that select within one list; none of them in the list selects all of it. */
function select<T extends { readonly id: string }>(all: readonly T[], only: readonly string[]) {
  const chosen = all.filter(({ id }) => only.includes(id))
  return chosen.length === 0 ? all : chosen
}

function rejectUnknown(only: readonly string[]): void {
  const known = [...contestants, ...scenarios].map(({ id }) => id)
  const unknown = only.filter((id) => !known.includes(id))
  if (unknown.length > 0) throw new Error(`--only knows ${known.join(', ')}; not ${unknown}`)
}

function available(chosen: readonly Contestant[]): Contestant[] {
  return chosen.filter((contestant) => {
    const reason = contestant.missing()
    if (reason !== undefined) console.log(`skipped ${contestant.id}: ${reason}`)
    return reason === undefined
  })
}

type Refusal = { readonly scenario: string; readonly contestant: string; readonly reason: string }

type Outcome = { readonly samples: Sample[]; readonly refusals: Refusal[] }

function announce(sample: Sample): void {
  const cpu = sample.cpuMicrosecondsPerRequest.toFixed(1).padStart(7)
  const rate = `${Math.round(sample.requestsPerSecond)}`.padStart(7)
  const names = `${sample.scenario.padEnd(13)} ${sample.contestant.padEnd(17)}`
  console.log(`round ${sample.round}  ${names} ${cpu} µs ${rate}/s`)
}

/** Not timed, now or in a later round; what the others give is not lost. */
function refuse(outcome: Outcome, contestant: Contestant, scenario: Scenario, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error)
  outcome.refusals.push({ scenario: scenario.id, contestant: contestant.id, reason })
  console.log(`not timed: ${contestant.id} in ${scenario.id}: ${reason}`)
  // Not in the JSON: what a server writes may name folders of this machine.
  if (error instanceof Error && error.cause) console.log(error.cause)
}

/** A server that died shows it to its client a moment before it is gone. */
async function deathOf(target: Target): Promise<unknown> {
  await delay(500)
  try {
    target.process.assertAlive()
    return undefined
  } catch (death) {
    return death
  }
}

/** A fresh process per contestant and round: what the JIT made of one start is one sample. */
async function playRound(
  course: Course,
  contestant: Contestant,
  played: readonly Scenario[],
  round: number,
  outcome: Outcome,
): Promise<void> {
  const { folder, cores, upstreamPort, options } = course
  let target: Target
  try {
    target = await contestant.start({ folder, core: cores.server, upstreamPort })
  } catch (error) {
    for (const scenario of played) refuse(outcome, contestant, scenario, error)
    return
  }
  try {
    for (const scenario of played) {
      progress(`round ${round} of ${options.rounds}: ${contestant.id} in ${scenario.id}`)
      try {
        const sample = await takeSample(course, target, { contestant, scenario, round })
        outcome.samples.push(sample)
        announce(sample)
      } catch (error) {
        const death = await deathOf(target)
        refuse(outcome, contestant, scenario, death ?? error)
        // The scenarios that are left get their turn in the next round, in a process that lives.
        if (death !== undefined) return
      }
    }
  } finally {
    await target.process.stop()
  }
}

/** Interleaved, and each round begins with another one: drift of the machine hits all alike. */
async function playAll(
  course: Course,
  players: readonly Contestant[],
  chosen: readonly Scenario[],
): Promise<Outcome> {
  const outcome: Outcome = { samples: [], refusals: [] }
  for (let round = 1; round <= course.options.rounds; round += 1) {
    const first = (round - 1) % players.length
    for (const contestant of [...players.slice(first), ...players.slice(0, first)]) {
      const played = chosen.filter(
        ({ id, contestants: ids }) =>
          ids.includes(contestant.id) &&
          !outcome.refusals.some((one) => one.scenario === id && one.contestant === contestant.id),
      )
      if (played.length > 0) await playRound(course, contestant, played, round, outcome)
    }
  }
  return outcome
}

type Findings = {
  readonly machine: Machine
  readonly options: BenchOptions
  readonly skipped: readonly string[]
  readonly rows: readonly Row[]
} & Outcome

/** Only a complete run replaces the figures that are kept; *.tmp is ignored by git. */
function writeFindings(findings: Findings): string {
  const { quick, only } = findings.options
  return writeResult(quick || only.length > 0 ? 'partial.json.tmp' : 'latest.json', findings)
}

function printTables(chosen: readonly Scenario[], rows: readonly Row[]): void {
  for (const scenario of chosen) {
    const own = rows.filter((row) => row.scenario === scenario.id)
    if (own.length > 0) console.log(`\n${tableOf(scenario, own)}`)
  }
  if (!rows.every(isSaturated)) {
    console.log(
      '\n~ the server was not saturated: its requests/s are those of the load or upstream',
    )
  }
}

async function bench(options: BenchOptions): Promise<void> {
  rejectUnknown(options.only)
  requireTools()
  const machine = describeMachine(new Date())
  printMachine(machine)
  const wanted = select(contestants, options.only)
  const players = available(wanted)
  const chosen = select(scenarios, options.only)
  const cores = chooseCores()
  killOnExit()
  const folder = makeFolder()
  const upstream = await startStandInUpstream(cores.load)
  const course = {
    options,
    cores,
    folder,
    upstreamPort: upstream.port,
    saturatedRate: null,
  }
  const outcome = await playAll(course, players, chosen)
  await upstream.process.stop()

  const rows = summariseAll(chosen, players, outcome.samples)
  printTables(chosen, rows)
  const skipped = wanted.filter((one) => !players.includes(one)).map(({ id }) => id)
  console.log(`\nwritten: ${writeFindings({ machine, options, skipped, rows, ...outcome })}`)
  if (outcome.refusals.length > 0) process.exitCode = 1
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else await bench(options)
} catch (error) {
  console.error(error instanceof Error ? `bench: ${error.message}` : error)
  process.exit(1)
}

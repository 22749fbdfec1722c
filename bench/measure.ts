import { setTimeout as delay } from 'node:timers/promises'
import type { Contestant, Target } from './contestants.ts'
import { upstreamRequests } from './contestants.ts'
import { processTreeCpuSeconds } from './cpu-time.ts'
import { runLoad } from './load.ts'
import type { Cores } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Scenario } from './scenarios.ts'
import { confirm, prove } from './verify.ts'

/** One timed run of one contestant in one scenario. */
export type Sample = {
  readonly scenario: string
  readonly contestant: string
  readonly round: number
  readonly requests: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly cpuMicrosecondsPerRequest: number
  readonly requestsPerSecond: number
  /** Share of its core that the server used. Well below 1: something else set the pace. */
  readonly coreShare: number
  readonly p50Microseconds: number
  readonly p99Microseconds: number
  readonly upstreamRequests: number
  readonly socketErrors: number
  readonly bodyWireBytes: number
  readonly contentEncoding: string
}

export type Course = {
  /** Of Layby's last saturated hits; null: none were timed yet. */
  saturatedRate: number | null
  readonly options: BenchOptions
  readonly cores: Cores
  readonly folder: string
  readonly upstreamPort: number
}

function halfOf(rate: number | null): number {
  if (rate === null) throw new Error('Layby’s hits must be timed first')
  return rate / 2
}

export async function takeSample(
  course: Course,
  target: Target,
  run: { readonly contestant: Contestant; readonly scenario: Scenario; readonly round: number },
): Promise<Sample> {
  const { options, cores, folder, upstreamPort } = course
  const { contestant, scenario, round } = run
  const { port } = target
  const examination = { contestant, scenario, port, upstreamPort }
  const proof = await prove(examination)
  const rate = scenario.isPaced === true ? halfOf(course.saturatedRate) : (scenario.rate ?? null)
  const { tls } = contestant
  const order = { port, question: proof.question, core: cores.load, folder, tls, rate }
  await runLoad({ ...order, seconds: options.warmupSeconds })
  // Connections of the warm-up end here, not under the clock.
  await delay(200)
  target.process.assertAlive()

  const reachedBefore = await upstreamRequests(upstreamPort)
  const cpuBefore = processTreeCpuSeconds(target.process.pid)
  const report = await runLoad({ ...order, seconds: options.seconds })
  target.process.assertAlive()
  const cpuSeconds = processTreeCpuSeconds(target.process.pid) - cpuBefore
  const reached = (await upstreamRequests(upstreamPort)) - reachedBefore
  await confirm(examination, proof, { ...report, reached })

  const seconds = report.microseconds / 1e6
  if (contestant.id === 'layby' && scenario.id === 'hit')
    course.saturatedRate = report.requests / seconds
  return {
    scenario: scenario.id,
    contestant: contestant.id,
    round,
    requests: report.requests,
    seconds,
    cpuSeconds,
    cpuMicrosecondsPerRequest: (cpuSeconds * 1e6) / report.requests,
    requestsPerSecond: report.requests / seconds,
    coreShare: cpuSeconds / seconds,
    p50Microseconds: report.p50,
    p99Microseconds: report.p99,
    upstreamRequests: reached,
    socketErrors: report.socketErrors,
    bodyWireBytes: proof.wireBytes,
    contentEncoding: proof.contentEncoding,
  }
}

/** Millions of hits, and whether they leave anything behind. */
import { contestants, upstreamRequests } from '../contestants.ts'
import { startLayby } from '../layby.ts'
import { runLoad } from '../load.ts'
import { scenarios } from '../scenarios.ts'
import { confirm, prove } from '../verify.ts'
import { type Growth, growthOf, HEAP_BOUND_MIB, RESIDENT_BOUND_MIB, type Sample } from './growth.ts'
import { COLLECT_ON_SIGNAL, memoryAfterCollection } from './memory.ts'
import type { ScaleOptions } from './options.ts'
import type { Finding, Grounds } from './part.ts'

/** wrk counts time and not requests: it runs in pieces, and between them it is known how many were answered. */
const PIECES = 40
const PESSIMISTIC_RATE = 50_000

const contestant = contestants.find(({ id }) => id === 'layby')!
const scenario = scenarios.find(({ id }) => id === 'hit')!

type LoadSum = {
  requests: number
  bytes: number
  statusErrors: number
  socketErrors: number
  microseconds: number
}

function lineOf(hits: number, { residentMib, heapMib }: Omit<Sample, 'hits'>): string {
  const million = (hits / 1e6).toFixed(1).padStart(4)
  return `${million} M hits: resident ${residentMib.toFixed(1)} MiB, heap ${heapMib.toFixed(1)} MiB`
}

function report(growth: Growth, total: number): void {
  const { warm, last, residentMib, heapMib, bytesPerHit } = growth
  console.log(`after warm-up, to ${lineOf(warm.to, warm)}`)
  console.log(`at the end,    to ${lineOf(total, last)}`)
  const verdict = growth.isWithin ? 'within' : 'ABOVE'
  console.log(
    `growth: resident ${residentMib.toFixed(1)} MiB (${bytesPerHit.toFixed(2)} bytes a hit), ` +
      `heap ${heapMib.toFixed(1)} MiB; ${verdict} the bounds of ${RESIDENT_BOUND_MIB} and ${HEAP_BOUND_MIB} MiB`,
  )
}

/** In seconds, at the rate of the pieces so far. */
function lengthOfPiece(wanted: number, { requests, microseconds }: LoadSum): number {
  const rate = requests === 0 ? PESSIMISTIC_RATE : requests / (microseconds / 1e6)
  return Math.max(1, Math.round(wanted / PIECES / rate))
}

/** A fetch of an entry that has expired is a request, and no growth: entries live for five minutes. */
export async function playHits(grounds: Grounds, options: ScaleOptions): Promise<Finding> {
  const { folder, cores, upstreamPort } = grounds
  const nodeArgs = COLLECT_ON_SIGNAL
  const layby = await startLayby({ core: cores.server, upstreamPort, nodeArgs })
  const { port } = layby
  const examination = { contestant, scenario, port, upstreamPort }
  const proof = await prove(examination)
  const order = { port, question: proof.question, core: cores.load, folder, tls: false, rate: null }
  const samples: Sample[] = []
  const sum: LoadSum = { requests: 0, bytes: 0, statusErrors: 0, socketErrors: 0, microseconds: 0 }
  const before = await upstreamRequests(upstreamPort)
  while (sum.requests < options.requests) {
    const seconds = lengthOfPiece(options.requests, sum)
    const result = await runLoad({ ...order, seconds })
    layby.process.assertAlive()
    for (const key of Object.keys(sum) as (keyof LoadSum)[]) sum[key] += result[key]
    const sample = { hits: sum.requests, ...(await memoryAfterCollection(layby)) }
    samples.push(sample)
    console.log(lineOf(sample.hits, sample))
  }
  const reached = (await upstreamRequests(upstreamPort)) - before
  await confirm(examination, proof, { ...sum, reached, p50: 0, p99: 0 })
  await layby.process.stop()
  const growth = growthOf(samples, sum.requests)
  report(growth, sum.requests)
  return { isGood: growth.isWithin, figures: { growth, answered: sum, reached, samples } }
}

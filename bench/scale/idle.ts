/** Thousands of connections on which nothing happens: what they weigh, what they cost, and how they end. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { processTreeCpuSeconds } from '../cpu-time.ts'
import { type RunningLayby, startLayby } from '../layby.ts'
import { runLoad } from '../load.ts'
import { progress } from '../progress.ts'
import { median } from '../report.ts'
import { clientHeaders, customerPath } from '../requests.ts'
import { type Connection, openConnections } from './connections.ts'
import { COLLECT_ON_SIGNAL, type Memory, memoryAfterCollection } from './memory.ts'
import type { ScaleOptions } from './options.ts'
import type { Finding, Grounds } from './part.ts'

const PROBES = 1_000
const PROBE_EVERY_MS = 10
/**
 * From wave to wave the allocator keeps more of what it was given back, up to the fifth of 10,000: what is compared
 * is that level with the same three waves later. One wave that kept its connections would add 40 MiB.
 */
const WAVES = 9
const LEVEL_WAVES = 3
/** The server closes after 75 seconds; so much longer is still in time. */
const PATIENCE_MS = 90_000
/** Beside the connections: files, listeners, wrk's own connections. */
const SPARE_FILES = 300

type Probed = { readonly p50Ms: number; readonly p99Ms: number }

function requireFiles(connections: number): void {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  // Node takes as many as it may have when it starts, so the hard limit is what counts.
  const most = Number(
    /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY,
  )
  if (most >= connections + SPARE_FILES) return
  throw new Error(
    `idle: ${connections} connections need ${connections + SPARE_FILES} open files, and ${most} are allowed: ulimit -Hn`,
  )
}

/** This process is the client: it belongs on the core of the load, with all its threads. */
function moveTo(core: number): void {
  spawnSync('taskset', ['-a', '-c', '-p', `${core}`, `${process.pid}`])
}

function requestText(): Buffer {
  const headers = { host: '127.0.0.1', ...clientHeaders, 'accept-encoding': 'identity' }
  const lines = Object.entries({ ...headers, 'x-request-id': randomUUID() })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.from(`GET ${customerPath} HTTP/1.1\r\n${head}\r\n`, 'latin1')
}

async function probe(connection: Connection): Promise<Probed> {
  const times: number[] = []
  for (let i = 0; i < PROBES; i += 1) {
    times.push(await connection.ask())
    await delay(PROBE_EVERY_MS)
  }
  times.sort((a, b) => a - b)
  return { p50Ms: times[PROBES / 2]!, p99Ms: times[PROBES * 0.99]! }
}

/** Milliseconds of processor time per second while nothing is asked. */
async function restingCpu({ process }: RunningLayby, seconds: number): Promise<number> {
  const before = processTreeCpuSeconds(process.pid)
  await delay(seconds * 1000)
  return ((processTreeCpuSeconds(process.pid) - before) * 1000) / seconds
}

async function waitUntilClosed(connections: readonly Connection[]) {
  const giveUpAt = performance.now() + PATIENCE_MS
  const isOpen = ({ closedAfterMs }: Connection): boolean => closedAfterMs === null
  while (connections.some(isOpen) && performance.now() < giveUpAt) await delay(250)
  const times = connections.flatMap(({ closedAfterMs }) => closedAfterMs ?? [])
  const [first = 0, last = 0] = [Math.min(...times) / 1000, Math.max(...times) / 1000]
  return { open: connections.filter(isOpen).length, firstSeconds: first, lastSeconds: last }
}

/** The same number again and again, ended by the client: what was given up before is used again, or it grows. */
async function waves(layby: RunningLayby, request: Buffer, count: number): Promise<Memory[]> {
  const tops: Memory[] = []
  for (let wave = 2; wave <= WAVES; wave += 1) {
    progress(`wave ${wave} of ${WAVES}`)
    const connections = await openConnections(layby.port, request, count)
    tops.push(await memoryAfterCollection(layby))
    await Promise.all(connections.map((connection) => connection.end()))
    await delay(1_000)
  }
  return tops
}

async function warmUp({ folder, cores }: Grounds, { port }: RunningLayby): Promise<void> {
  const question = { method: 'GET', path: customerPath, headers: clientHeaders }
  const order = { port, question, core: cores.load, folder, tls: false, rate: null }
  await runLoad({ ...order, seconds: 3 })
  await delay(1_000)
}

async function measure(layby: RunningLayby, { connections, idleSeconds }: ScaleOptions) {
  const request = requestText()
  progress('at rest, with one connection')
  const [other] = await openConnections(layby.port, request, 1)
  const alone = {
    memory: await memoryAfterCollection(layby),
    cpuMsPerSecond: await restingCpu(layby, Math.ceil(idleSeconds / 3)),
    latency: await probe(other!),
  }
  progress(`at rest, with ${connections} connections`)
  const idle = await openConnections(layby.port, request, connections)
  await delay(1_000)
  const crowded = {
    memory: await memoryAfterCollection(layby),
    cpuMsPerSecond: await restingCpu(layby, idleSeconds),
    latency: await probe(other!),
  }
  progress('until the server closes them')
  const closed = await waitUntilClosed(idle)
  await delay(1_000)
  const after = await memoryAfterCollection(layby)
  const later = await waves(layby, request, connections)
  const more = (key: 'residentMib' | 'heapMib' | 'externalMib'): number =>
    ((crowded.memory[key] - alone.memory[key]) * 1024) / connections
  const kib = more('residentMib')
  const kibOnHeap = more('heapMib') + more('externalMib')
  const level = (waves: readonly Memory[]): number => median(waves.map((of) => of.residentMib))
  const grownMib =
    level(later.slice(-LEVEL_WAVES)) - level(later.slice(-2 * LEVEL_WAVES, -LEVEL_WAVES))
  return { alone, crowded, closed, after, later, kibPerConnection: kib, kibOnHeap, grownMib }
}

type Measured = Awaited<ReturnType<typeof measure>>

function report({ alone, crowded, closed, after, later, ...rest }: Measured, count: number): void {
  const mib = ({ residentMib }: Memory): string => `${residentMib.toFixed(1)} MiB`
  const ms = ({ p50Ms, p99Ms }: Probed): string =>
    `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`
  console.log(
    `resident: ${mib(alone.memory)} before, ${mib(crowded.memory)} with ${count} idle connections: ` +
      `${rest.kibPerConnection.toFixed(1)} KiB each, ${rest.kibOnHeap.toFixed(1)} of them known to the heap`,
  )
  console.log(
    `CPU at rest: ${alone.cpuMsPerSecond.toFixed(1)} ms/s before, ${crowded.cpuMsPerSecond.toFixed(1)} ms/s with them`,
  )
  console.log(`a hit on another: ${ms(alone.latency)} before, ${ms(crowded.latency)} with them`)
  console.log(
    `closed: ${count - closed.open} of ${count}, ${closed.firstSeconds.toFixed(1)} to ${closed.lastSeconds.toFixed(1)} s after their answers; ` +
      `open files ${alone.memory.openFiles} before, ${crowded.memory.openFiles} with them, ${after.openFiles} after`,
  )
  console.log(
    `resident after: ${mib(after)}; with as many again, ${WAVES - 1} times: ${later.map(mib).join(', ')}; ` +
      `${rest.grownMib.toFixed(1)} MiB from the middle ones to the last`,
  )
}

export async function playIdle(grounds: Grounds, options: ScaleOptions): Promise<Finding> {
  requireFiles(options.connections)
  const { cores, upstreamPort } = grounds
  moveTo(cores.load)
  const layby = await startLayby({ core: cores.server, upstreamPort, nodeArgs: COLLECT_ON_SIGNAL })
  await warmUp(grounds, layby)
  const measured = await measure(layby, options)
  await layby.process.stop()
  report(measured, options.connections)
  const ownMib = measured.crowded.memory.residentMib - measured.alone.memory.residentMib
  const isGood = measured.closed.open === 0 && measured.grownMib <= Math.max(8, ownMib / 4)
  return { isGood, figures: measured }
}

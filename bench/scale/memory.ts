/** What memory a running Layby uses: its resident set by the kernel, its heap by its own metrics. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../http-client.ts'
import type { RunningLayby } from '../layby.ts'

export type Memory = {
  readonly residentMib: number
  readonly heapMib: number
  /** Outside the heap and known to it: bodies, buffers. */
  readonly externalMib: number
  readonly openFiles: number
}

/** Node loads this before Layby: SIGWINCH, which nobody else listens to, collects all garbage. Layby itself is the same. */
export const COLLECT_ON_SIGNAL: readonly string[] = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGWINCH",()=>{gc();gc()})',
]
/** A collection of some ten MiB takes some ten ms; the metrics are then read by the same event loop. */
const COLLECTION_MS = 500

const MIB = 1_048_576

/** The sum of a metric's samples. */
function metric(text: string, name: string): number {
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`/metrics does not tell ${name}`)
  return Number(value)
}

export async function memoryOf({ opsPort, process: { pid } }: RunningLayby): Promise<Memory> {
  const question = { method: 'GET', path: '/metrics', headers: {} }
  const text = (await ask(opsPort, question)).body.toString('utf8')
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return {
    residentMib: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024,
    heapMib: metric(text, 'nodejs_heap_size_used_bytes') / MIB,
    externalMib: metric(text, 'nodejs_external_memory_bytes') / MIB,
    openFiles: metric(text, 'process_open_fds'),
  }
}

/** Of one started with `COLLECT_ON_SIGNAL`. */
export async function memoryAfterCollection(layby: RunningLayby): Promise<Memory> {
  // The sockets of a load that has just ended are closed first.
  await delay(COLLECTION_MS)
  process.kill(layby.process.pid, 'SIGWINCH')
  await delay(COLLECTION_MS)
  return memoryOf(layby)
}

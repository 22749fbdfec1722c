/** Reads and writes over many connections to one port with three processes behind it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Client } from 'undici'
import { HEADERS } from '../helpers/app.ts'
import { bareNode } from '../helpers/bare-node.ts'
import { until } from '../helpers/instances.ts'
import type { WorkerFaults } from './process-worker.ts'
import { startRegister } from './register.ts'

const PRIMARY = fileURLToPath(new URL('process-primary.js', import.meta.url))
const CUSTOMERS = 4
const CONNECTIONS = 18

export interface ProcessRun {
  readonly url: string
  readonly opsUrl: string
  readonly reads: () => number
  readonly hits: () => number
  readonly writes: () => number
  /** Reads that did not show a write that had been answered before they began. */
  readonly violations: readonly { readonly text: string; readonly lateByMs: number }[]
  readonly connections: number
  /** How long answered writes took. Milliseconds. */
  readonly writeTimes: number[]
  /** Requests without an answer, or with another than 200. */
  readonly failures: string[]
  pids(): Promise<number[]>
  /** Resolves when as many workers as there should be take requests. */
  allListen(): Promise<void>
  /** Ends the load and waits for what is under way. */
  finish(): Promise<void>
}

export async function startProcessRun(
  t: Test,
  faults: WorkerFaults,
  values: Record<string, unknown> = {},
): Promise<ProcessRun> {
  const register = await startRegister(Math.random, 6)
  const config = {
    server: { port: 0, processes: 3, drainDelayMs: 0, maxEventLoopDelayMs: 0 },
    ops: { port: 0 },
    upstream: { url: register.url },
    log: { level: 'silent' },
    ...values,
  }
  const child: ChildProcess = spawn('env', bareNode([PRIMARY, JSON.stringify(config)]), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, FAULTS: JSON.stringify(faults) },
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await register.close()
  })
  const said = async <T>(): Promise<T> => ((await once(child, 'message')) as [T])[0]
  const { url, opsUrl } = await said<{ url: string; opsUrl: string }>()
  const pids = async (): Promise<number[]> => {
    const answer = said<number[]>()
    child.send('pids')
    return answer
  }
  const allListen = (): Promise<void> =>
    until(async () =>
      /^layby_workers_listening 3$/m.test(await (await fetch(`${opsUrl}/metrics`)).text()),
    )
  await allListen()
  const floors = new Map<number, { readonly version: number; readonly at: number }>()
  const violations: { text: string; lateByMs: number }[] = []
  const writeTimes: number[] = []
  const failures: string[] = []
  const counts = { reads: 0, hits: 0, writes: 0 }
  let isOver = false
  const client = async (): Promise<void> => {
    const connection = new Client(url, { pipelining: 1 })
    while (!isOver) {
      const customer = 1 + Math.floor(Math.random() * CUSTOMERS)
      const isWrite = Math.random() < 0.05
      const floor = floors.get(customer) ?? { version: 0, at: 0 }
      const startedAt = performance.now()
      try {
        const reply = await connection.request({
          path: `/customers/${customer}`,
          method: isWrite ? 'PATCH' : 'GET',
          headers: isWrite ? { ...HEADERS, 'content-type': 'application/json' } : HEADERS,
          body: isWrite ? '{"name": "x"}' : null,
        })
        const { version } = (await reply.body.json()) as { version: number }
        if (reply.statusCode !== 200) failures.push(String(reply.statusCode))
        else if (isWrite) {
          counts.writes++
          const at = performance.now()
          if (version > (floors.get(customer)?.version ?? 0)) floors.set(customer, { version, at })
          writeTimes.push(performance.now() - startedAt)
        } else {
          counts.reads++
          if (/; hit/.test(String(reply.headers['cache-status']))) counts.hits++
          if (version < floor.version) {
            const text = `${version} for ${floor.version}`
            violations.push({ text, lateByMs: startedAt - floor.at })
          }
        }
      } catch (error) {
        failures.push((error as { code?: string }).code ?? 'lost')
      }
    }
    await connection.destroy()
  }
  const clients = Array.from({ length: CONNECTIONS }, client)
  return {
    url,
    opsUrl,
    reads: () => counts.reads,
    hits: () => counts.hits,
    writes: () => counts.writes,
    violations,
    writeTimes,
    failures,
    pids,
    allListen,
    connections: CONNECTIONS,
    finish: async () => {
      isOver = true
      await Promise.all(clients)
    },
  }
}

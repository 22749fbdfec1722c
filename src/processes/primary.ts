/**
 * Several processes behind one port (`server.processes`): the primary takes no requests. It starts the workers,
 * passes on what they tell one another, and has the one operations listener.
 */
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type App, buildApp, warnOfPlainSharing } from '../app.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { MergedMetrics, type ProcessMetrics } from '../ops/merged-metrics.ts'
import { PrimaryMetrics } from '../ops/primary-metrics.ts'
import { createPrimaryServer } from '../ops/primary-server.ts'
import type { OperatorReply, OperatorRequest } from './messages.ts'
import { Workers } from './workers.ts'

const SCRIPT = fileURLToPath(new URL('worker.js', import.meta.url))
const MOST_PROCESSES = 64

/** @param configured `server.processes`; 0: one for each core */
function processCount(configured: number): number {
  return configured === 0 ? Math.min(MOST_PROCESSES, availableParallelism()) : configured
}

/** In this process, or in as many as are configured. */
export function buildInstance(config: Config): Promise<App> {
  return processCount(config.server.processes) === 1 ? buildApp(config) : buildProcesses(config)
}

/** As `buildApp`, for more than one process. @param script what a worker runs; tests have others */
export async function buildProcesses(config: Config, script = SCRIPT): Promise<App> {
  const log = createLogger(config.log.level)
  const merged = new MergedMetrics()
  let isDraining = false
  const workers = new Workers({
    script,
    config,
    count: processCount(config.server.processes),
    clock: systemClock,
    log,
    onEnd: (id, isReplaced) => {
      if (isReplaced) own.restarted()
      void merged.depart(id)
    },
  })
  const own = new PrimaryMetrics(() => workers.listening.length)
  const ops = await createPrimaryServer({
    isReady: () => !isDraining && workers.listening.length > 0,
    metrics: async () => {
      await Promise.all(workers.listening.map((id) => learn(workers, merged, id)))
      return merged.text(await own.values())
    },
    carry: (request) => carry(workers, request),
  })
  warnOfPlainSharing(config.cache.sharing, log)
  const listen = async (): ReturnType<App['listen']> => {
    try {
      await ops.listen({ host: config.ops.host, port: config.ops.port })
      const url = await workers.start()
      const { address, port, family } = ops.server.address() as AddressInfo
      return { url, opsUrl: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}` }
    } catch (error) {
      workers.kill()
      throw error
    }
  }
  const close = async (): Promise<void> => {
    isDraining = true
    // Whoever does not end in time must not outlive the primary.
    const end = setTimeout(() => workers.kill(), config.server.drainTimeoutMs * 0.95)
    await workers.drain()
    clearTimeout(end)
    await ops.close()
  }
  return { log, listen, close }
}

async function learn(workers: Workers, merged: MergedMetrics, id: number): Promise<void> {
  const metrics = await workers.ask(id, { about: 'metrics' })
  // Who hangs counts with what it last said; who has ended meanwhile was counted then.
  if (metrics !== null && workers.listening.includes(id))
    merged.learn(id, metrics as ProcessMetrics)
}

/** What is to be set is set in all (`PUT` may be repeated by definition); the rest any worker can answer. */
async function carry(workers: Workers, request: OperatorRequest): Promise<OperatorReply | null> {
  const ids = request.method === 'PUT' ? workers.listening : workers.listening.slice(0, 1)
  const replies = await Promise.all(ids.map((id) => workers.ask(id, { about: 'request', request })))
  return (replies.find((reply) => reply !== null) ?? null) as OperatorReply | null
}

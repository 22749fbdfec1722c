/**
 * Several processes behind one port (`server.processes`): the primary takes no requests. It starts the workers,
 * passes on what they tell one another, and has the one operations listener.
 */
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type App, buildApp } from '../app.ts'
import { listenAt } from '../config/listen-fault.ts'
import type { Config } from '../config/schema.ts'
import { upstreamName } from '../config/upstream-name.ts'
import { systemClock } from '../lib/clock.ts'
import { faultFields } from '../lib/fault-fields.ts'
import { createLogger } from '../lib/logger.ts'
import { operatorCheck } from '../ops/admin-gate.ts'
import { warnOfPlainSharing } from '../ops/plain-sharing.ts'
import { createPrimaryServer } from '../ops/primary-server.ts'
import { Overview, type Shown } from './overview.ts'
import { Workers } from './workers.ts'

const SCRIPT = fileURLToPath(new URL('worker.js', import.meta.url))
const MOST_PROCESSES = 64

/** @param configured `server.processes`; 0: one for each core */
function processCount(configured: number): number {
  return configured === 0 ? Math.min(MOST_PROCESSES, availableParallelism()) : configured
}

/** What the dashboard says of the configuration. */
function shownOf(config: Config): Shown {
  const memoryMaxBytes = config.cache.memory.maxBytes * processCount(config.server.processes)
  return { memoryMaxBytes, upstreamName: upstreamName(config) }
}

/** In this process, or in as many as are configured. */
export function buildInstance(config: Config): Promise<App> {
  return processCount(config.server.processes) === 1 ? buildApp(config) : buildProcesses(config)
}

/** As `buildApp`, for more than one process. @param script what a worker runs; tests have others */
export async function buildProcesses(config: Config, script = SCRIPT): Promise<App> {
  const log = createLogger(config.log.level)
  let isDraining = false
  const workers: Workers = new Workers({
    script,
    config,
    count: processCount(config.server.processes),
    clock: systemClock,
    log,
    onListening: (id) => overview.started(id),
    onEnd: (id, isReplaced) => overview.ended(id, isReplaced),
  })
  const overview = new Overview(workers, systemClock)
  const isReady = (): boolean => !isDraining && workers.listening.length > 0
  const ops = await createPrimaryServer({
    listener: {
      ...config.ops,
      faulted: (error, id) =>
        log.error({ 'http.request.id': id, ...faultFields(error) }, 'internal error'),
    },
    isReady,
    metrics: () => overview.metrics(),
    dashboard: {
      ...overview.dashboard(systemClock, isReady, shownOf(config)),
      isOperator: operatorCheck(config.ops.adminToken, systemClock),
    },
    hasAdmin: config.ops.adminToken !== null,
    carry: (request) => overview.carry(request),
  })
  warnOfPlainSharing(config.cache.sharing, log)
  const listen = async (): ReturnType<App['listen']> => {
    try {
      await listenAt('ops', config.ops, (address) => ops.listen(address))
      const url = await workers.start()
      return { url, opsUrl: urlOf(ops.server.address() as AddressInfo) }
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
  return { log, listen, endStarting: () => workers.endStarting(), close }
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Layby as `npm start` runs it, on a core of its own. */
import { join } from 'node:path'
import { ask } from './http-client.ts'
import { laybyProgram, repositoryRoot } from './paths.ts'
import { freePort, type RunningProcess, startServer, untilReady } from './processes.ts'

/** Of the tests; made for 127.0.0.1. */
export const CERTIFICATE = join(repositoryRoot, 'test/helpers/tls/server.pem')
export const CERTIFICATE_KEY = join(repositoryRoot, 'test/helpers/tls/server.key')

export type LaybyOrder = {
  readonly core: number
  readonly upstreamPort: number
  readonly tls?: boolean
  /** Options of Node beside those of `npm start`. */
  readonly nodeArgs?: readonly string[]
  /** Settings beside ports, upstream and log level. */
  readonly env?: Readonly<Record<string, string>>
}

export type RunningLayby = {
  readonly port: number
  readonly opsPort: number
  readonly process: RunningProcess
}

export async function startLayby(order: LaybyOrder): Promise<RunningLayby> {
  const port = await freePort()
  const opsPort = await freePort()
  const process = await startServer({
    program: globalThis.process.execPath,
    args: ['--max-semi-space-size=32', ...(order.nodeArgs ?? []), laybyProgram],
    core: order.core,
    cwd: repositoryRoot,
    env: {
      LAYBY_SERVER_PORT: `${port}`,
      LAYBY_OPS_PORT: `${opsPort}`,
      LAYBY_UPSTREAM_URL: `http://127.0.0.1:${order.upstreamPort}`,
      LAYBY_LOG_LEVEL: 'warn',
      ...(order.tls === true
        ? { LAYBY_SERVER_TLS_CERT: CERTIFICATE, LAYBY_SERVER_TLS_KEY: CERTIFICATE_KEY }
        : {}),
      ...order.env,
    },
  })
  const question = { method: 'GET', path: '/health/ready', headers: {} }
  await untilReady(process, async () => (await ask(opsPort, question)).status === 200)
  return { port, opsPort, process }
}

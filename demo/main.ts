/**
 * `npm run demo`: the sample upstream on 127.0.0.1:8004, Layby in front of it on 127.0.0.1:8003, memory
 * tier only, and lines to try it with. `npm run demo -- --redis`: a second Layby on 127.0.0.1:8005, and a Redis
 * that the two share. `-- --traffic`: sample traffic that goes on until the end.
 */
import { fileURLToPath } from 'node:url'
import closeWithGrace, { type Options } from 'close-with-grace'
import { buildApp } from '../src/app.ts'
import { EXIT } from '../src/cli/exit-codes.ts'
import { ConfigError } from '../src/config/config-error.ts'
import { loadConfig } from '../src/config/load.ts'
import { createLogger } from '../src/lib/logger.ts'
import { hearSignals } from '../src/lib/stop-signals.ts'
import { type DemoArguments, parseDemo, USAGE } from './arguments.ts'
import { seededRandom } from './data.ts'
import { clientLines, operatorLines, sharedLines } from './lines.ts'
import { readableLog } from './readable-log.ts'
import { provideRedis } from './redis-server.ts'
import { SAMPLE_TOKENS } from './sample-tokens.ts'
import { startTraffic, TRAFFIC_TOKENS } from './traffic.ts'
import { startSampleUpstream } from './upstream.ts'

const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.json', import.meta.url))
const UPSTREAM_PORT = 8004
const SECOND_PORTS = { LAYBY_SERVER_PORT: '8005', LAYBY_OPS_PORT: '9005' }
/** Of the demo's own data. */
const DEMO_SECRET = 'for the demo only: 32 characters or more'

/** Known to all, and good for what it guards: a demo on loopback. */
const DEMO_ADMIN_TOKEN = 'demo-admin-token'

interface Running {
  readonly url: string
  readonly opsUrl: string
  close(): Promise<void>
}

/** @param environment added to the process's own */
async function startLayby(environment: Readonly<Record<string, string>>): Promise<Running> {
  // Hits too: one line for each thing that is tried.
  const merged = { LAYBY_LOG_LEVEL: 'debug', ...process.env, ...environment }
  const { config } = loadConfig({ defaultFile: DEFAULT_FILE, environment: merged })
  const app = await buildApp(config, { log: createLogger(config.log.level, readableLog()) })
  return { ...(await app.listen()), close: () => app.close() }
}

function hasOwnAdminToken(): boolean {
  const { LAYBY_OPS_ADMIN_TOKEN: token = '', LAYBY_OPS_ADMIN_TOKEN_FILE: file = '' } = process.env
  return token !== '' || file !== ''
}

async function main(values: DemoArguments): Promise<void> {
  const upstream = await startSampleUpstream({ port: UPSTREAM_PORT, delayMs: values.delayMs })
  const tokens = [...Object.values(SAMPLE_TOKENS), ...TRAFFIC_TOKENS]
  for (const token of tokens) upstream.state.addToken(token)
  const redis = values.redis ? await provideRedis(process.env['LAYBY_REDIS_URL']) : null
  const shared: Record<string, string> =
    redis === null
      ? {}
      : { LAYBY_REDIS_URL: redis.url, LAYBY_SECRET: process.env['LAYBY_SECRET'] ?? DEMO_SECRET }
  const adminToken = hasOwnAdminToken() ? null : DEMO_ADMIN_TOKEN
  const admin: Record<string, string> =
    adminToken === null ? {} : { LAYBY_OPS_ADMIN_TOKEN: adminToken }
  // Every request of the traffic would be a line, and what is printed below be gone at once.
  const quiet: Record<string, string> = values.traffic
    ? { LAYBY_LOG_LEVEL: process.env['LAYBY_LOG_LEVEL'] ?? 'warn' }
    : {}
  const environment = { ...shared, ...admin, ...quiet, LAYBY_UPSTREAM_URL: upstream.url }
  const first = await startLayby(environment)
  const second = redis === null ? null : await startLayby({ ...environment, ...SECOND_PORTS })
  const addresses = { ...first, upstreamUrl: upstream.url, adminToken }
  console.log(clientLines(addresses))
  if (second !== null) console.log(sharedLines(first.url, second.url))
  console.log(operatorLines(addresses, values.traffic))
  const urls = second === null ? [first.url] : [first.url, second.url]
  const traffic = values.traffic ? startTraffic({ urls, random: seededRandom('traffic') }) : null
  const skip: Options['skip'] = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR2']
  const { close } = closeWithGrace({ delay: 4_000, logger: false, skip }, async () => {
    await traffic?.stop()
    await Promise.all([first.close(), second?.close()])
    await upstream.close()
    redis?.stop()
  })
  // Ctrl+C comes twice, from the terminal and from npm.
  hearSignals({ leave: close, leaveNow: () => process.exit(1), ignored: close })
}

function failed(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  const reason = message.includes('EADDRINUSE')
    ? 'a port of the demo (8003, 8004 or 9003; with --redis 8005 and 9005 too) is taken; stop what uses it and try again'
    : message
  console.error(`demo: ${reason}`)
  process.exit(error instanceof ConfigError ? EXIT.configuration : EXIT.fault)
}

const parsed = parseDemo(process.argv.slice(2))
if (parsed === 'help') console.log(USAGE)
else if ('problem' in parsed) {
  console.error(`demo: ${parsed.problem}; npm run demo -- --help tells what there is`)
  process.exitCode = EXIT.usage
} else main(parsed).catch(failed)

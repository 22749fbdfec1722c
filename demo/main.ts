/**
 * `npm run demo`: the sample upstream on 127.0.0.1:8004, Layby in front of it on 127.0.0.1:8003, memory
 * tier only, and lines to try it with. `npm run demo -- --redis`: a second Layby on 127.0.0.1:8005, and a Redis
 * that the two share.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { buildApp } from '../src/app.ts'
import { ConfigError } from '../src/config/config-error.ts'
import { loadConfig } from '../src/config/load.ts'
import { createLogger } from '../src/lib/logger.ts'
import { readableLog } from './readable-log.ts'
import { provideRedis } from './redis-server.ts'
import { SAMPLE_TOKENS } from './sample-tokens.ts'
import { startSampleUpstream } from './upstream.ts'

const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.json', import.meta.url))
const UPSTREAM_PORT = 8004
const SECOND_PORTS = { LAYBY_SERVER_PORT: '8005', LAYBY_OPS_PORT: '9005' }
/** Of the demo's own data. */
const DEMO_SECRET = 'for the demo only: 32 characters or more'

function lines(url: string, opsUrl: string, upstreamUrl: string): string {
  const headers = (token: string): string =>
    `-H 'Authorization: Bearer ${token}' -H 'X-Tenant-Id: 7' -H 'X-Api-Version: 2023/04/19'`
  const dispatcher = headers(SAMPLE_TOKENS.dispatcher.token)
  const driver = headers(SAMPLE_TOKENS.driver.token)
  const secondDriver = headers(SAMPLE_TOKENS.secondDriver.token)
  return `
Layby answers on ${url}, its operations port is ${opsUrl}, the sample API is ${upstreamUrl}.
Look at Cache-Status and Age in what comes back.

  A miss, then a hit:
    curl -i ${url}/customers/1/ ${dispatcher}
    curl -i ${url}/customers/1/ ${dispatcher}

  A driver is shown other fields, and asks for itself; a second driver asks once, and from then on
  each keeps the bytes fresh for the other:
    curl -i ${url}/customers/1/ ${driver}
    curl -i ${url}/customers/1/ ${secondDriver}

  A write makes the next read ask again:
    curl -i -X PATCH ${url}/customers/1 ${dispatcher} -H 'Content-Type: application/json' -d '{"name": "New Name"}'
    curl -i ${url}/customers/1/ ${dispatcher}

  What the API really had to do, and what Layby counted:
    curl ${upstreamUrl}/__stats
    curl ${opsUrl}/metrics

Stop with Ctrl+C.
`
}

/** For two instances that share a Redis. */
function sharedLines(url: string, secondUrl: string): string {
  const headers = `-H 'Authorization: Bearer ${SAMPLE_TOKENS.dispatcher.token}' -H 'X-Tenant-Id: 7' -H 'X-Api-Version: 2023/04/19'`
  const json = `-H 'Content-Type: application/json'`
  return `  A second instance, ${secondUrl}, shares a Redis with the first. What one fills, the other has:
    curl -i ${url}/customers/2/ ${headers}
    curl -i ${secondUrl}/customers/2/ ${headers}      detail=redis, and then detail=memory

  A write through one is seen through the other, which drops its copy when the message arrives:
    curl -i -X PATCH ${url}/customers/2 ${headers} ${json} -d '{"name": "Seen By Both"}'
    curl -i ${secondUrl}/customers/2/ ${headers}
`
}

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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      delay: { type: 'string', default: '150' },
      redis: { type: 'boolean', default: false },
    },
  })
  const upstream = await startSampleUpstream({ port: UPSTREAM_PORT, delayMs: Number(values.delay) })
  for (const token of Object.values(SAMPLE_TOKENS)) upstream.state.addToken(token)
  const redis = values.redis ? await provideRedis(process.env['LAYBY_REDIS_URL']) : null
  const shared: Record<string, string> =
    redis === null
      ? {}
      : { LAYBY_REDIS_URL: redis.url, LAYBY_SECRET: process.env['LAYBY_SECRET'] ?? DEMO_SECRET }
  const environment = { ...shared, LAYBY_UPSTREAM_URL: upstream.url }
  const first = await startLayby(environment)
  const second = redis === null ? null : await startLayby({ ...environment, ...SECOND_PORTS })
  console.log(lines(first.url, first.opsUrl, upstream.url))
  if (second !== null) console.log(sharedLines(first.url, second.url))
  closeWithGrace({ delay: 2_000, logger: false }, async () => {
    await Promise.all([first.close(), second?.close()])
    await upstream.close()
    redis?.stop()
  })
}

main().catch((error: unknown) => {
  const { code } = error as NodeJS.ErrnoException
  const isTaken = code === 'EADDRINUSE'
  const reason = isTaken
    ? 'a port of the demo (8003, 8004 or 9003; with --redis 8005 and 9005 too) is taken; stop what uses it and try again'
    : error instanceof Error
      ? error.message
      : String(error)
  console.error(`demo: ${reason}`)
  process.exit(error instanceof ConfigError ? 78 : 1)
})

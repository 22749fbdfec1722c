/**
 * `npm run demo`: the sample upstream on 127.0.0.1:8004, Layby in front of it on 127.0.0.1:8003, memory
 * tier only, and lines to try it with.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { buildApp } from '../src/app.ts'
import { ConfigError, loadConfig } from '../src/config/load.ts'
import { createLogger } from '../src/lib/logger.ts'
import { SAMPLE_TOKENS } from './sample-tokens.ts'
import { startSampleUpstream } from './upstream.ts'

const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.json', import.meta.url))
const UPSTREAM_PORT = 8004

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

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { delay: { type: 'string', default: '150' } } })
  const upstream = await startSampleUpstream({ port: UPSTREAM_PORT, delayMs: Number(values.delay) })
  for (const token of Object.values(SAMPLE_TOKENS)) upstream.state.addToken(token)
  const environment = { LAYBY_LOG_LEVEL: 'warn', ...process.env, LAYBY_UPSTREAM_URL: upstream.url }
  const { config } = loadConfig({ defaultFile: DEFAULT_FILE, environment })
  const app = await buildApp(config, { log: createLogger(config.log.level) })
  const { url, opsUrl } = await app.listen()
  console.log(lines(url, opsUrl, upstream.url))
  closeWithGrace({ delay: 2_000, logger: false }, async () => {
    await app.close()
    await upstream.close()
  })
}

main().catch((error: unknown) => {
  const { code } = error as NodeJS.ErrnoException
  const isTaken = code === 'EADDRINUSE'
  const reason = isTaken
    ? 'a port of the demo (8003, 8004 or 9003) is taken; stop what uses it and try again'
    : error instanceof Error
      ? error.message
      : String(error)
  console.error(`demo: ${reason}`)
  process.exit(error instanceof ConfigError ? 78 : 1)
})

#!/usr/bin/env node
/**
 * The process edge: arguments, configuration, listening, signals, exit codes. The only reader of `process.env`.
 * Without arguments it serves, and loads nothing of the other commands; they load nothing of the server.
 *
 * Exit codes: `cli/exit-codes.ts`.
 */
import { fileURLToPath } from 'node:url'
import type { App } from './app.ts'
import { EXIT } from './cli/exit-codes.ts'
import { ConfigError } from './config/config-error.ts'
import { loadConfig } from './config/load.ts'
import { ineffectiveRedisKeys } from './config/redis-rules.ts'
import { upstreamName } from './config/upstream-name.ts'
import { logConsole } from './lib/console-lines.ts'
import { faultFields } from './lib/fault-fields.ts'
import { version } from './lib/version.ts'

const SOURCES = {
  defaultFile: fileURLToPath(new URL('../../config/default.json', import.meta.url)),
  environment: process.env,
}

/** Errors of listening that are the configuration's fault, and the key that is to blame. */
const LISTEN_ERRORS: ReadonlySet<string> = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'])

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 0) return serve()
  process.stdout.on('error', endOfReader)
  const { run } = await import('./cli/run.ts')
  const { stdin, stdout, stderr } = process
  const edges = { sources: SOURCES, version: version(), stdin, stdout, stderr, signals: process }
  process.exitCode = await run(args, { ...edges, serve })
}

/** Whoever reads our output has gone (`| head`): nobody is left to tell, and nothing is wrong. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.done)
}

async function serve(): Promise<void> {
  // A bad configuration is told before what is large is loaded.
  const { config, unknownVariables } = loadConfig(SOURCES)
  const [{ buildInstance }, { default: closeWithGrace }] = await Promise.all([
    import('./processes/primary.ts'),
    import('close-with-grace'),
  ])
  const app = await buildInstance(config)
  logConsole(app.log, console)
  if (unknownVariables.length > 0) {
    app.log.warn({ variables: unknownVariables }, 'no configuration key answers to these variables')
  }
  for (const { key, reason } of ineffectiveRedisKeys(config)) {
    app.log.warn({ key, reason }, 'configuration key without effect')
  }
  const { url, opsUrl } = await listen(app, `${config.server.port}`, `${config.ops.port}`)
  const { sharing } = config.cache
  app.log.info({ url, ops_url: opsUrl, upstream: upstreamName(config), sharing }, 'listening')
  const { drainTimeoutMs } = config.server
  closeWithGrace({ delay: drainTimeoutMs, logger: false }, async ({ err, signal }) => {
    if (err !== undefined) app.log.fatal(faultFields(err), 'fault')
    app.log.info({ signal: signal ?? null }, 'stopping')
    await app.close()
  })
}

async function listen(app: App, port: string, opsPort: string): ReturnType<App['listen']> {
  try {
    return await app.listen()
  } catch (error) {
    const { code, port: taken } = error as NodeJS.ErrnoException & { readonly port?: number }
    if (code === undefined || !LISTEN_ERRORS.has(code)) throw error
    const key = String(taken) === opsPort && opsPort !== port ? 'ops' : 'server'
    throw new ConfigError(`${key}.port`, `can't listen there (${code})`)
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof ConfigError) {
    process.stderr.write(`layby: configuration: ${error.message}\n`)
    process.exit(EXIT.configuration)
  }
  process.stderr.write(
    `layby: ${error instanceof Error ? (error.stack ?? error.message) : 'fault'}\n`,
  )
  process.exit(EXIT.fault)
})

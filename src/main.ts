#!/usr/bin/env node
/**
 * The process edge: configuration, listening, signals, exit codes. The only reader of `process.env`.
 *
 * Exit codes: 0 after a drain, 78 (EX_CONFIG) for a bad configuration, 1 for a fault.
 */
import { fileURLToPath } from 'node:url'
import closeWithGrace from 'close-with-grace'
import { type App, buildApp } from './app.ts'
import { ConfigError } from './config/config-error.ts'
import { loadConfig } from './config/load.ts'

const EX_CONFIG = 78
const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.json', import.meta.url))

/** Errors of listening that are the configuration's fault, and the key that is to blame. */
const LISTEN_ERRORS: ReadonlySet<string> = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'])

async function main(): Promise<void> {
  const { config, unknownVariables } = loadConfig({
    defaultFile: DEFAULT_FILE,
    environment: process.env,
  })
  const app = await buildApp(config)
  if (unknownVariables.length > 0) {
    app.log.warn({ variables: unknownVariables }, 'no configuration key answers to these variables')
  }
  const { url, opsUrl } = await listen(app, `${config.server.port}`, `${config.ops.port}`)
  app.log.info({ url, ops_url: opsUrl, sharing: config.cache.sharing }, 'listening')
  const { drainTimeoutMs } = config.server
  closeWithGrace({ delay: drainTimeoutMs, logger: false }, async ({ err, signal }) => {
    if (err !== undefined) app.log.fatal({ 'error.type': err.name, stack: err.stack }, 'fault')
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

main().catch((error: unknown) => {
  if (error instanceof ConfigError) {
    process.stderr.write(`layby: configuration: ${error.message}\n`)
    process.exit(EX_CONFIG)
  }
  process.stderr.write(
    `layby: ${error instanceof Error ? (error.stack ?? error.message) : 'fault'}\n`,
  )
  process.exit(1)
})

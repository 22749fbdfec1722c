/**
 * The process: arguments, configuration, listening, signals, exit codes. Without arguments it serves, and loads nothing
 * of the other commands; they load nothing of the server.
 *
 * Exit codes: `cli/exit-codes.ts`.
 */
import { fileURLToPath } from 'node:url'
import type { Options } from 'close-with-grace'
import type { App } from './app.ts'
import { EXIT } from './cli/exit-codes.ts'
import { ConfigError } from './config/config-error.ts'
import { readAllFiles } from './config/files.ts'
import { ineffectiveKeys } from './config/ineffective-keys.ts'
import { type LoadedConfig, loadConfig } from './config/load.ts'
import { variablesNear } from './config/near-miss.ts'
import type { ConfigSources } from './config/sources.ts'
import { upstreamName } from './config/upstream-name.ts'
import { logConsole } from './lib/console-lines.ts'
import { faultFields } from './lib/fault-fields.ts'
import { version } from './lib/package-file.ts'
import type { StopSignals } from './lib/stop-signals.ts'

const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.json', import.meta.url))

/**
 * Left to `lib/stop-signals.ts`, or to the system: most of these say that the process has crashed, and it must not go on
 * after them.
 */
const SIGNALS: NonNullable<Options['skip']> = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const),
  ...(['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const),
]

/** @param signals null: the command has none of the server's */
export function start(
  args: readonly string[],
  environment: ConfigSources['environment'],
  signals: StopSignals | null,
): void {
  run(args, { defaultFile: DEFAULT_FILE, environment }, signals).catch(endWith)
}

async function run(
  args: readonly string[],
  sources: ConfigSources,
  signals: StopSignals | null,
): Promise<void> {
  const serving = () => serve(sources, signals)
  if (args.length === 0) return serving()
  process.stdout.on('error', endOfReader)
  const { run } = await import('./cli/run.ts')
  const { stdin, stdout, stderr } = process
  const edges = { sources, version: version(), stdin, stdout, stderr, signals: process }
  process.exitCode = await run(args, { ...edges, serve: serving })
}

/** The reader of our output has gone (`| head`), and nothing is wrong. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.done)
}

async function serve(sources: ConfigSources, signals: StopSignals | null): Promise<void> {
  // A bad configuration is refused before anything large is loaded.
  const loaded = loadConfig(sources)
  const { config } = loaded
  readAllFiles(config)
  const [{ buildInstance }, { default: closeWithGrace }] = await Promise.all([
    import('./processes/primary.ts'),
    import('close-with-grace'),
  ])
  const app = await buildInstance(config)
  logConsole(app.log, console)
  logDoubts(app, loaded)
  const listening = app.listen()
  let isLeaving = false
  const leave = async ({ err }: { readonly err?: Error | undefined }): Promise<void> => {
    isLeaving = true
    if (err !== undefined) app.log.fatal(faultFields(err), 'fault')
    app.endStarting?.()
    // What it opens has to be closed.
    await listening.catch(() => {})
    await app.close()
  }
  const { drainTimeoutMs: delay } = config.server
  const { close } = closeWithGrace({ delay, logger: false, skip: SIGNALS }, leave)
  signals?.handle({
    leave: (signal) => {
      app.log.info({ signal }, 'stopping')
      close()
    },
    leaveNow: () => process.exit(EXIT.fault),
    ignored: (signal) => app.log.warn({ signal }, 'signal ignored'),
  })
  try {
    const { url, opsUrl } = await listening
    const { sharing } = config.cache
    app.log.info({ url, ops_url: opsUrl, upstream: upstreamName(config), sharing }, 'listening')
  } catch (error) {
    if (!isLeaving) throw error
  }
}

function logDoubts({ log }: App, { config, unknownVariables }: LoadedConfig): void {
  if (unknownVariables.length > 0) {
    const near = unknownVariables.flatMap(variablesNear)
    const fields = { variables: unknownVariables, ...(near.length === 0 ? {} : { near }) }
    log.warn(fields, 'no configuration key answers to these variables')
  }
  for (const { key, reason } of ineffectiveKeys(config)) {
    log.warn({ key, reason }, 'configuration key without effect')
  }
}

function endWith(error: unknown): void {
  if (error instanceof ConfigError) {
    process.stderr.write(`layby: configuration: ${error.message}\n`)
    process.exit(EXIT.configuration)
  }
  process.stderr.write(
    `layby: ${error instanceof Error ? (error.stack ?? error.message) : 'fault'}\n`,
  )
  process.exit(EXIT.fault)
}

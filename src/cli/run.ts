/** Runs one command line. What a command needs is loaded when it is the one that is asked for. */
import { CommanderError } from 'commander'
import type { Edges } from './edges.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { type Actions, buildProgram } from './program.ts'

const PLAIN_WIDTH = 80

/**
 * @param args without the names of Node and of the script; none at all means `serve`
 * @returns what the process is to end with; after `serve`, once it ends
 * @throws ConfigError
 */
export async function run(args: readonly string[], edges: Edges): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  const { stdout, stderr, version } = edges
  const actions: Actions = {
    serve: edges.serve,
    checkConfig: async (options) => {
      code = await (await import('./check-config.ts')).checkConfig(options, edges)
    },
    purge: async (options) => {
      code = await (await import('./purge.ts')).purge(options, edges)
    },
    explain: async (options) => {
      code = await (await import('./explain.ts')).explain(options, edges)
    },
    tenants: async (options) => {
      code = await (await import('./tenants.ts')).tenants(options, edges)
    },
    top: async (options) => {
      code = await (await import('./top.ts')).top(options, edges)
    },
  }
  const program = buildProgram(version, actions, {
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    width: stdout.columns ?? PLAIN_WIDTH,
  })
  try {
    await program.parseAsync(args.length === 0 ? ['serve'] : args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.done : EXIT.usage
  }
  return code
}

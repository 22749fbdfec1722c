/** What a command touches of the process. `main.ts` gives the real one. */
import type { ConfigSources } from '../config/sources.ts'
import type { ExitCode, Failure } from './exit-codes.ts'

export interface Edges {
  readonly sources: ConfigSources
  /** Of the package. */
  readonly version: string
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Where signals and the end of the process are heard. */
  readonly signals: Pick<NodeJS.Process, 'on' | 'off'>
  /** Becomes a server; resolves when it listens. */
  readonly serve: () => Promise<void>
}

/** Tells in one line why a command ends, and gives the code it ends with. */
export function fail({ stderr }: Pick<Edges, 'stderr'>, { exitCode, line }: Failure): ExitCode {
  stderr.write(`layby: ${line}\n`)
  return exitCode
}

/** As a document of JSON, for other programs. */
export function writeJson({ stdout }: Pick<Edges, 'stdout'>, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** How `layby` ends, as in sysexits.h; the numbers are part of what scripts rely on. */
export const EXIT = {
  /** Done; for `serve`: after a drain. */
  done: 0,
  /** A fault, or the instance refused. */
  fault: 1,
  /** EX_USAGE: the command line is not one that is understood. */
  usage: 64,
  /** EX_UNAVAILABLE: the instance was not reached, or did not answer in time. */
  unreachable: 69,
  /** EX_CONFIG: the configuration is bad, or lacks what the command needs. */
  configuration: 78,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Why a command can't go on, in one line and without a secret. */
export interface Failure {
  readonly exitCode: ExitCode
  readonly line: string
}

export type Result<T> = { readonly value: T } | { readonly failure: Failure }

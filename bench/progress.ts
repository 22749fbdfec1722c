/** What a long command is at: for a terminal. A log has only what the command finds. */

/** What is written to: standard error, so that results can be piped on meanwhile. */
export interface ProgressStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** One line for each step on a terminal; nothing elsewhere. */
export function progressOn(stream: ProgressStream): (step: string) => void {
  return stream.isTTY === true ? (step) => void stream.write(`… ${step}\n`) : () => {}
}

export const progress = progressOn(process.stderr)

/** The one output of the log of this process, which `log-output.ts` writes. */
import { constants, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { systemClock } from './clock.ts'
import { LogOutput } from './log-output.ts'

let output: LogOutput | null = null

/** What waits is written when the process ends, as far as it is taken. */
export function standardOutput(): LogOutput {
  if (output !== null) return output
  const opened = new LogOutput({ fd: unblocked(), now: () => systemClock.monotonic() })
  process.on('exit', () => opened.flushSync())
  output = opened
  return opened
}

/** A descriptor on which no write waits for a reader. */
function unblocked(): number {
  // Node puts a pipe out of blocking mode as soon as it is asked for. In a thread it has none.
  const fd = process.stdout.fd ?? 1
  if (!isatty(fd)) return fd
  try {
    // Opened anew: other programs have the terminal's descriptor too.
    const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NOCTTY | O_NONBLOCK)
  } catch {
    return fd
  }
}

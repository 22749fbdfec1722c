#!/usr/bin/env node
/**
 * The first lines of the process: signals are heard before anything large is loaded (`lib/stop-signals.ts`). The only
 * reader of `process.env`. What follows is in `start.ts`.
 */
import { hearSignals, type StopSignals } from './lib/stop-signals.ts'

const args = process.argv.slice(2)

/** What ends another command is the terminal's, or the command's own. */
function signalsOfServer(): StopSignals | null {
  if (args.length > 0 && args[0] !== 'serve') return null
  const end = (): void => process.exit(0)
  // Nothing is under way yet.
  return hearSignals({ leave: end, leaveNow: end, ignored: () => {} })
}

const signals = signalsOfServer()
const { start } = await import('./start.ts')
start(args, process.env, signals)

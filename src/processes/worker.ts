/** What a worker process runs. Signals are heard before anything large is loaded (`lib/stop-signals.ts`). */
import { hearSignals } from '../lib/stop-signals.ts'

// Nothing is under way yet.
const end = (): void => process.exit(0)
const signals = hearSignals({ leave: end, leaveNow: end, ignored: () => {} })
const { runWorker } = await import('./worker-process.ts')
runWorker(signals)

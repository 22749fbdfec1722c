/** What `src/main.ts` runs for several processes, with workers that may have faults. Tells its workers' pids if asked. */
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../../src/config/load.ts'
import { buildProcesses } from '../../src/processes/primary.ts'

const script = fileURLToPath(new URL('process-worker.js', import.meta.url))
const config = JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>
const app = await buildProcesses(parseConfig(config), script)
process.send?.(await app.listen())
process.on('message', () => {
  process.send?.(Object.values(cluster.workers ?? {}).map((worker) => worker?.process.pid))
})
